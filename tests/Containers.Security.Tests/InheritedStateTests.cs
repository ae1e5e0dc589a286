namespace Containers.Security.Tests;

/// <summary>Nothing of what a process has from its parent goes on from the host to a job.</summary>
[Trait("Category", "Rootless")]
public sealed class InheritedStateTests : IDisposable
{
    private readonly string _state = Directory.CreateTempSubdirectory("containers-odd-").FullName;

    public void Dispose() => Directory.Delete(_state, recursive: true);

    /// <summary>
    /// A host with signals blocked and ignored, odd limits, a shut umask, real-time priority, no randomisation of addresses, a secret in
    /// its environment and its root directory open forty times: its jobs and their commands are those of any other host.
    /// </summary>
    [Fact]
    [Trait("Category", "Vm")]
    public async Task AnOddHost_HasTheSameJobsAsAnyOther()
    {
        string[] tell = [DyingHost.Program, _state, $"tell:{Attack.Program}:state"];
        var ordinary = await LinesOf(tell[0], tell[1..]);
        var odd = await LinesOf(Attack.Program, ["odd-host", .. tell]);

        Assert.Equal(ordinary, odd);
        Assert.Contains("start: Exited 0", odd);
        Assert.Contains("command: Exited 0", odd);
        foreach (var line in (string[])["personality 0", "timer slack 50000", "THP disabled 0", "real-time 0", "above others 0", "disk before others 0", "SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000", "Umask:\t0022", "NoNewPrivs:\t1"])
        {
            Assert.Equal(2, odd.Count(each => each == line));
        }

        Assert.Equal(["descriptor 0 ", "descriptor 1 ", "descriptor 2 "], odd.Where(static line => line.StartsWith("descriptor", StringComparison.Ordinal)).Select(static line => line[..13]).Distinct());
        Assert.DoesNotContain(odd, static line => line.Contains("SECRET", StringComparison.Ordinal));
    }

    /// <summary>Whatever the engine opens then gets these numbers; a job has its own three all the same.</summary>
    [Theory]
    [InlineData("<&-")]
    [InlineData("<&- 2>&-")]
    public async Task AHostWithoutStandardStreams_HasJobsThatHaveThem(string closed)
    {
        var mode = File.GetUnixFileMode("/dev/null");
        var lines = await LinesOf("/bin/sh", ["-c", $"exec \"$0\" \"$@\" {closed}", DyingHost.Program, _state, $"tell:{Attack.Program}:state"]);

        Assert.Equal(2, lines.Count(static line => line.StartsWith("descriptor 0 2", StringComparison.Ordinal)));
        Assert.Equal(2, lines.Count(static line => line.StartsWith("descriptor 2 1", StringComparison.Ordinal)));
        Assert.Equal(mode, File.GetUnixFileMode("/dev/null"));
    }

    [Fact]
    public async Task ModeAndOwnerOfTheHostsNullDevice_CannotBeChanged()
    {
        var mode = File.GetUnixFileMode("/dev/null");
        var result = await Job.InBusybox("chmod 0 /dev/null; chown 5:5 /dev/null; chmod 0 /proc/self/fd/0; :").RunAsync(Job.Token);
        Assert.True(result.IsSuccess);
        Assert.Equal(mode, File.GetUnixFileMode("/dev/null"));
        Assert.Equal("fine\n", await Job.OutputOf(Job.InBusybox("echo fine > /dev/null && echo fine")));
    }

    private static async Task<string[]> LinesOf(string program, string[] arguments)
    {
        using var host = DyingHost.Start(program, arguments);
        var lines = (await host.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        // How many signals wait is counted for all processes of the user, other tests' too; the limit is the job's.
        return [.. lines.Select(static line => line.StartsWith("SigQ:", StringComparison.Ordinal) ? "SigQ of" + line[line.IndexOf('/', StringComparison.Ordinal)..] : line)];
    }
}
