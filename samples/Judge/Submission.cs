namespace Containers.Samples;

/// <summary>A program to judge: <c>solutions/NAME.EXPECTED-VERDICT.LANGUAGE</c> of a problem.</summary>
internal sealed record Submission(string Problem, string Path, string Expected, string Interpreter)
{
    public string Name => $"{System.IO.Path.GetFileName(Problem)}/{System.IO.Path.GetFileName(Path)}";

    /// <summary>Those whose interpreter is on this machine.</summary>
    public static IEnumerable<Submission> FindAll(string problems) =>
        from problem in Directory.GetDirectories(problems).Order()
        from path in Directory.GetFiles(System.IO.Path.Combine(problem, "solutions")).Order()
        let parts = System.IO.Path.GetFileName(path).Split('.')
        let interpreter = parts[2] == "py" ? "/usr/bin/python3" : "/bin/sh"
        where File.Exists(interpreter)
        select new Submission(problem, path, parts[1], interpreter);

    public IEnumerable<(byte[] Input, string Answer)> Tests() =>
        from input in Directory.GetFiles(System.IO.Path.Combine(Problem, "tests"), "*.in").Order()
        select (File.ReadAllBytes(input), File.ReadAllText(System.IO.Path.ChangeExtension(input, ".out")));
}
