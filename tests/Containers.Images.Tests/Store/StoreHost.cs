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

    public static StoreHost Start(string store, string work, int number) =>
        Start(store, work, number.ToString(System.Globalization.CultureInfo.InvariantCulture));

    public static StoreHost Start(string store, string work, string subject)
    {
        var start = new ProcessStartInfo(
            Path.Combine(AppContext.BaseDirectory, nameof(StoreHost)), [store, work, subject])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        return new StoreHost(Process.Start(start)!);
    }

    public async Task<string> ReadLineAsync() =>
        await _process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The host ended.");

    /// <summary>All that it says until it ends.</summary>
    public async Task<string[]> ReadToEndAsync() =>
        (await _process.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);

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
