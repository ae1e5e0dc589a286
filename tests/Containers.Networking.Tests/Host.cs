using System.Diagnostics;

namespace Containers.Tests;

/// <summary>Programs on the host that the tests play.</summary>
internal static class Host
{
    /// <summary>Runs a program and returns what it wrote.</summary>
    public static string Run(string program, params string[] arguments)
    {
        var found = Array.Find(["/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/"], folder => File.Exists(folder + program));
        Assert.SkipUnless(found is not null, $"{program} is not installed");
        using var process = Process.Start(new ProcessStartInfo(found + program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {errors.Result}{output}");
        return output;
    }
}
