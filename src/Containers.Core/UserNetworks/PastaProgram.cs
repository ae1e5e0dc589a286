using System.Text;
using Containers.Interop;

namespace Containers.UserNetworks;

/// <summary>
/// pasta(1), which carries what leaves a network namespace by sockets of its own in the host's network. It is what an ordinary user has in
/// place of a bridge.
/// </summary>
internal static class PastaProgram
{
    public const string TunnelDevice = "/dev/net/tun";
    private const int LongestVersion = 16 * 1024;

    /// <summary>Its path; null where it is not installed.</summary>
    public static string? Find() => HostProgram.Find("pasta");

    /// <summary>Why it cannot be used here, and what to do; null: it can.</summary>
    public static (string Reason, string Remedy)? WhyNot()
    {
        if (Find() is null)
        {
            return ("pasta is not installed", "Install the package passt.");
        }

        // It makes its interface with that, inside the container's network.
        using var device = Libc.Open(TunnelDevice, Libc.OpenReadWrite | Libc.OpenCloseOnExec);
        return device.IsInvalid
            ? ($"{TunnelDevice} cannot be opened: {ErrnoNames.Last.Describe()}", $"Load the module tun, and let every user open the device, as distributions do: chmod 0666 {TunnelDevice}.")
            : null;
    }

    /// <summary>What it says of its version.</summary>
    /// <exception cref="ContainerException">It cannot be run.</exception>
    public static string Version(string path, CancellationToken cancellationToken)
    {
        var said = HelperProcess.Run(path, ["--version"], ["LC_ALL=C"], [], LongestVersion, TimeSpan.FromSeconds(5), cancellationToken);
        return Encoding.UTF8.GetString(said.Output).Split('\n')[0].Trim();
    }
}
