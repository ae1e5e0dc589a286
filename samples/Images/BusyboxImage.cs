using System.Formats.Tar;
using Containers;

namespace Containers.Samples;

/// <summary>The smallest image that does something: a flat root with this machine's own static busybox.</summary>
internal static class BusyboxImage
{
    private const string Busybox = "/bin/busybox";

    public static async Task<string> MakeAsync(ImageStore images)
    {
        if (!File.Exists(Busybox))
        {
            throw new ContainerException($"There is no {Busybox} (Debian's busybox-static) to make an image of: name an image of a registry, such as 127.0.0.1:5000/alpine:3.20.");
        }

        using var root = new MemoryStream();
        await using (var tar = new TarWriter(root, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (var directory in (string[])["bin/", "etc/", "tmp/", "root/"])
            {
                await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.Directory, directory) { Mode = (UnixFileMode)0x1ED });
            }

            await using var busybox = File.OpenRead(Busybox);
            await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, "bin/busybox") { Mode = (UnixFileMode)0x1ED, DataStream = busybox });
            foreach (var applet in (string[])["sh", "ls", "cat", "echo"])
            {
                await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.SymbolicLink, "bin/" + applet) { LinkName = "busybox" });
            }
        }

        root.Position = 0;
        await images.ImportAsync(root, "sample/busybox:latest", new CommitOptions { Command = ["sh"] });
        return "sample/busybox:latest";
    }
}
