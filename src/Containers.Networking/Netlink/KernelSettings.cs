using Containers.Interop;

namespace Containers.Netlink;

/// <summary>
/// The settings of a network namespace: files below <c>/proc/sys/net</c>, where each thread sees those of the namespace it is in when it
/// opens one. The path has slashes, not dots: an interface's name may have a dot of its own.
/// </summary>
internal static unsafe class KernelSettings
{
    private const string Root = "/proc/sys/net/";

    /// <summary>The settings of one interface: <c>ipv4/conf/eth0/rp_filter</c>.</summary>
    public static string ForInterface(string family, string link, string name) => $"{family}/conf/{InterfaceName.Check(link)}/{name}";

    /// <summary>Whether the kernel has IPv6.</summary>
    public static bool HasSix => Directory.Exists(Root + "ipv6");

    /// <summary>Whether there is such a setting in the namespace of the calling thread.</summary>
    public static bool ExistsHere(string name) => File.Exists(PathOf(name));

    /// <summary>Writes settings in a namespace, in order.</summary>
    /// <exception cref="NetworkException">There is no such setting, or the kernel refuses the value.</exception>
    public static void Write(NetworkNamespace space, params IReadOnlyList<(string Name, string Value)> settings) => space.Run(() =>
    {
        foreach (var (name, value) in settings)
        {
            WriteHere(name, value);
        }

        return true;
    });

    /// <summary>Reads one, without the line's end.</summary>
    public static string Read(NetworkNamespace space, string name) => space.Run(() => ReadHere(name));

    /// <summary>Writes one in the namespace of the calling thread.</summary>
    public static void WriteHere(string name, string value)
    {
        var path = PathOf(name);
        using var file = Libc.Open(path, Libc.OpenWriteOnly | Libc.OpenCloseOnExec | Libc.OpenNoFollow);
        var bytes = System.Text.Encoding.ASCII.GetBytes(value);
        fixed (byte* start = bytes)
        {
            if (file.IsInvalid || Libc.Write(file, start, (nuint)bytes.Length) != bytes.Length)
            {
                throw new NetworkException($"write \"{value}\" to the setting", path, ErrnoNames.Last);
            }
        }
    }

    /// <summary>Reads one in the namespace of the calling thread.</summary>
    public static string ReadHere(string name)
    {
        const int LongestValue = 4096;
        var path = PathOf(name);
        using var file = Libc.Open(path, Libc.OpenReadOnly | Libc.OpenCloseOnExec | Libc.OpenNoFollow);
        var buffer = stackalloc byte[LongestValue];
        var length = file.IsInvalid ? -1 : Libc.Read(file, buffer, LongestValue);
        return length >= 0
            ? System.Text.Encoding.ASCII.GetString(buffer, (int)length).TrimEnd('\n')
            : throw new NetworkException("read the setting", path, ErrnoNames.Last);
    }

    private static string PathOf(string name) => name.Split('/').All(static part => part is not ("" or "." or "..")) && !name.Contains('\0')
        ? Root + name
        : throw new NetworkException("find the setting", name, "It is no path below /proc/sys/net.");
}
