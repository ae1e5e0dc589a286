using System.Diagnostics;

namespace Containers.Tests.Running;

/// <summary>An application with containers (tests/Hosts/DyingHost), which a test kills.</summary>
internal sealed class DyingHost : IDisposable
{
    private readonly Process _process;

    private DyingHost(Process process) => _process = process;

    /// <param name="state">The state directory of its engine.</param>
    /// <param name="work">hold: 20 containers, whose processes are named in a line; churn: short jobs without end.</param>
    public static DyingHost Start(string state, string work)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, nameof(DyingHost)), [state, work]) { RedirectStandardOutput = true, UseShellExecute = false };
        return new DyingHost(Process.Start(start)!);
    }

    public async Task<string> ReadLineAsync() =>
        await _process.StandardOutput.ReadLineAsync(Job.Token) ?? throw new InvalidOperationException("The host ended.");

    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
    }
}
