using System.Globalization;
using Containers;

// Four jobs in namespaces of their own, made of the host's programs: no image, no network, no daemon.
(string Name, ContainerBuilder Job)[] jobs =
[
    ("says hello", ContainerBuilder.FromHost()
        .WithCommand("sh", "-c", "echo \"hello from pid $$ on $(uname -n)\"")
        .WithHostname("sandbox")),
    ("eats memory", ContainerBuilder.FromHost()
        .WithCommand("tail", "/dev/zero") // keeps all it reads, waiting for the end of a line
        .WithMemory(32.MB)
        .WithTimeout(TimeSpan.FromSeconds(10))),
    ("runs too long", ContainerBuilder.FromHost()
        .WithCommand("sleep", "60")
        .WithTimeout(TimeSpan.FromMilliseconds(500))),
    ("forks without end", ContainerBuilder.FromHost()
        .WithCommand("sh", "-c", "f() { f | f & }; f; sleep 60")
        .WithMaxProcesses(32)
        .WithTimeout(TimeSpan.FromSeconds(1))),
];

Print("job", "outcome", "exit code", "cpu", "wall", "peak memory", "processes");
var problems = new List<string>();
foreach (var (name, job) in jobs)
{
    try
    {
        var result = await job.RunAsync();
        var usage = result.Usage;
        Print(name, result.Outcome.ToString(), result.ExitCode.ToString(CultureInfo.InvariantCulture), Milliseconds(usage.TotalCpu), Milliseconds(usage.WallTime),
            usage.PeakMemory?.ToString() ?? "not counted", usage.PeakProcesses?.ToString(CultureInfo.InvariantCulture) ?? "not counted");
        if (result.StandardOutput.Length > 0)
        {
            Console.WriteLine($"    {result.StandardOutput.Text.TrimEnd()}");
        }
    }
    catch (ContainerException e)
    {
        // A limit that cannot be enforced here: the job was not run without it.
        Print(name, "not run", "", "", "", "", "");
        problems.Add($"{name}: {e.Message}");
    }
}

if (problems.Count > 0)
{
    Console.WriteLine();
    Console.WriteLine("This user or this host does not grant everything; nothing was run without a limit it asked for:");
    problems.ForEach(Console.WriteLine);
}

static string Milliseconds(TimeSpan? time) =>
    time is { } known ? string.Create(CultureInfo.InvariantCulture, $"{known.TotalMilliseconds:F1} ms") : "not counted";

static void Print(params string[] cells) =>
    Console.WriteLine("{0,-18} {1,-10} {2,9} {3,12} {4,12} {5,12} {6,12}", cells);
