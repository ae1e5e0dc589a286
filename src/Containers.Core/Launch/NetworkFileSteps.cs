using System.Text;

namespace Containers.Launch;

/// <summary>/etc/hostname, /etc/hosts and /etc/resolv.conf, as Docker writes them; what the image has there is replaced.</summary>
internal static class NetworkFileSteps
{
    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    public static void Write(ProgramBuilder program, LaunchContext context, RootPaths paths)
    {
        Write(program, paths, "/etc/hostname", context.Hostname + "\n");
        Write(program, paths, "/etc/hosts", context.Spec.HostsFile ?? $"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\t{context.Hostname}\n");

        // With no network there is nobody to ask; an empty file says so at once, where none would mean the default server.
        Write(program, paths, "/etc/resolv.conf", context.Resolvers);
    }

    private static void Write(ProgramBuilder program, RootPaths paths, string path, string content) =>
        FileSteps.Write(program, paths, path, Encoding.UTF8.GetBytes(content), Readable, 0, 0);
}
