using Containers.Benchmarks.Processes;
using Containers.Interop;

namespace Containers.Benchmarks.Networks;

/// <summary>The network namespace that plays the host: bridges, rules and forwarding are not for the machine's own.</summary>
internal static class OwnNetwork
{
    private const string Mark = "--in-own-network";

    /// <summary>Runs this program once more, in a fresh network namespace.</summary>
    /// <returns>What it ended with; null: this is the run there.</returns>
    public static int? Enter(string[] arguments)
    {
        if (arguments.Contains(Mark))
        {
            return null;
        }

        string enter = $"ip link set lo up && exec \"$0\" \"$@\" {Mark}";
        using var command = new NativeCommand(["unshare", "--net", "sh", "-c", enter, Environment.ProcessPath!, .. arguments]);
        using FileDescriptor nothing = Libc.Open("/dev/null", Libc.OpenReadWrite | Libc.OpenCloseOnExec);
        const int output = 1, error = 2;
        return PeerThread.Wait(command.Start(nothing.Number, output, error)) == 0 ? 0 : 1;
    }

    /// <summary>The command line as the user gave it.</summary>
    public static string[] WithoutMark(string[] arguments) => [.. arguments.Where(static argument => argument != Mark)];
}
