using System.Text;

namespace Containers.Launch;

/// <summary>/etc/hostname, /etc/hosts and /etc/resolv.conf, as Docker writes them; what the image has there is replaced.</summary>
internal static class NetworkFileSteps
{
    public const string Hosts = "/etc/hosts";
    public const string Resolvers = "/etc/resolv.conf";

    /// <summary>The names of every container's loopback.</summary>
    public const string Loopback =
        "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n";

    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    public static void Write(ProgramBuilder program, LaunchContext context, RootPaths paths)
    {
        Write(program, paths, "/etc/hostname", context.Hostname + "\n");
        Write(program, paths, Hosts, context.Spec.HostsFile ?? Loopback + OwnLine(context.Hostname, context.Spec.DomainName));

        // With no network there is nobody to ask; an empty file says so at once, where none would mean the default server.
        Write(program, paths, Resolvers, context.Resolvers);
    }

    /// <summary>What a container is called in its own files.</summary>
    public static string OwnNames(string hostname, string? domainName) => domainName is null ? hostname : $"{hostname}.{domainName} {hostname}";

    /// <summary>Where a container without a network finds its own name: at an address of its loopback, unless it has another.</summary>
    public static string OwnLine(string hostname, string? domainName, string? address = null) => $"{address ?? "127.0.1.1"}\t{OwnNames(hostname, domainName)}\n";

    private static void Write(ProgramBuilder program, RootPaths paths, string path, string content) =>
        FileSteps.Write(program, paths, path, Encoding.UTF8.GetBytes(content), Readable, 0, 0);
}
