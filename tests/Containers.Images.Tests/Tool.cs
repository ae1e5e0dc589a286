using System.Diagnostics;

namespace Containers.Tests;

/// <summary>Programs of the host that make and read what is tested.</summary>
internal static class Tool
{
    public static bool IsThere(string name) =>
        Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, name)));

    /// <summary>Runs it to its end; what it prints. It must succeed.</summary>
    public static string Run(string name, params IReadOnlyList<string> arguments)
    {
        Assert.SkipUnless(IsThere(name), $"{name} is not installed");
        var start = new ProcessStartInfo(name) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{name} {string.Join(' ', arguments)}: {error.Result}");
        return output;
    }
}
