using System.Diagnostics;

namespace Containers.Tests.Store;

/// <summary>Another process with the store (tests/Hosts/StoreHost), to be killed.</summary>
internal sealed class StoreHost : IDisposable
{
    private readonly Process _process;

    private StoreHost(Process process) => _process = process;

    public int ExitCode
    {
        get
        {
            _process.WaitForExit();
            return _process.ExitCode;
        }
    }

    public static StoreHost Start(string store, string work, int number)
    {
        var start = new ProcessStartInfo(
            Path.Combine(AppContext.BaseDirectory, nameof(StoreHost)), [store, work, number.ToString(System.Globalization.CultureInfo.InvariantCulture)])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        return new StoreHost(Process.Start(start)!);
    }

    public async Task<string> ReadLineAsync() =>
        await _process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The host ended.");

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
