using System.Collections.Immutable;
using System.Formats.Tar;
using System.Text.Json;
using Containers.Oci;

namespace Containers.Tests.Running;

/// <summary>An image that is written byte by byte, because the tools make none like it; or where there are no tools.</summary>
internal static class HandmadeLayout
{
    private static readonly Lazy<byte[]> Busybox = new(MakeBusybox);

    /// <summary>A layer with busybox as /bin/sh and others.</summary>
    public static byte[] BusyboxLayer => Busybox.Value;

    public static byte[] Layer(params IEnumerable<TarEntry> entries)
    {
        using var stream = new MemoryStream();
        using (var writer = new System.Formats.Tar.TarWriter(stream, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (var entry in entries)
            {
                entry.ModificationTime = DateTimeOffset.UnixEpoch.AddYears(30);
                writer.WriteEntry(entry);
            }
        }

        return stream.ToArray();
    }

    public static TarEntry Folder(string path, int mode = 0x1ED) => new PaxTarEntry(TarEntryType.Directory, path + "/") { Mode = (UnixFileMode)mode };

    public static TarEntry Text(string path, string content) =>
        new PaxTarEntry(TarEntryType.RegularFile, path) { Mode = (UnixFileMode)0x1A4, DataStream = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(content)) };

    /// <summary>Writes a layout, or adds to its blobs; what describes the image.</summary>
    public static Descriptor Add(string path, IReadOnlyList<byte[]> layers, ContainerConfiguration config, ImagePlatform? platform = null)
    {
        Directory.CreateDirectory(path + "/blobs/sha256");
        File.WriteAllText(path + "/oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
        platform ??= ImagePlatform.Current;
        var configuration = JsonSerializer.SerializeToUtf8Bytes(
            new ImageConfiguration
            {
                Architecture = platform.Architecture,
                Os = platform.OperatingSystem,
                Config = config,
                Rootfs = new LayerIdentities { DiffIds = [.. layers.Select(static layer => Digest.Of(layer).ToString())] },
            },
            OciJson.Default.ImageConfiguration);
        var manifest = new ImageManifest
        {
            MediaType = MediaTypes.Manifest,
            Config = Blob(path, MediaTypes.Configuration, configuration),
            Layers = [.. layers.Select(layer => Blob(path, MediaTypes.Layer, layer))],
        };
        return Blob(path, MediaTypes.Manifest, JsonSerializer.SerializeToUtf8Bytes(manifest, OciJson.Default.ImageManifest)) with
        {
            Platform = new Platform { Architecture = platform.Architecture, Os = platform.OperatingSystem },
        };
    }

    /// <summary>An index of several images.</summary>
    public static Descriptor AddIndex(string path, params Descriptor[] images) =>
        Blob(path, MediaTypes.Index, JsonSerializer.SerializeToUtf8Bytes(new ImageIndex { MediaType = MediaTypes.Index, Manifests = [.. images] }, OciJson.Default.ImageIndex));

    /// <summary>Gives what is in the layout names.</summary>
    public static void Name(string path, params (string Tag, Descriptor Target)[] names) =>
        File.WriteAllBytes(
            path + "/index.json",
            JsonSerializer.SerializeToUtf8Bytes(
                new ImageIndex
                {
                    MediaType = MediaTypes.Index,
                    Manifests = [.. names.Select(static name => name.Target with
                    {
                        Annotations = ImmutableDictionary<string, string>.Empty.Add("org.opencontainers.image.ref.name", name.Tag),
                    })],
                },
                OciJson.Default.ImageIndex));

    /// <summary>A layout with one image, of busybox and the layers above it.</summary>
    public static OciLayout Write(string path, ContainerConfiguration config, params byte[][] layers)
    {
        Name(path, ("1", Add(path, [BusyboxLayer, .. layers], config)));
        return new OciLayout(path);
    }

    private static Descriptor Blob(string path, string type, byte[] content)
    {
        var digest = Digest.Of(content);
        File.WriteAllBytes($"{path}/blobs/sha256/{digest.Hex}", content);
        return new Descriptor { MediaType = type, Digest = digest.ToString(), Size = content.Length };
    }

    private static byte[] MakeBusybox()
    {
        Assert.SkipUnless(File.Exists(BusyboxRoot.Busybox), "busybox-static is not installed");
        using var root = new TemporaryDirectory();
        BusyboxRoot.Make(root.Path);
        using var busybox = File.OpenRead(BusyboxRoot.Busybox);
        List<TarEntry> entries = [];
        foreach (var folder in (string[])["bin", "etc", "var", "home"])
        {
            entries.Add(Folder(folder));
        }

        entries.Add(Folder("tmp", 0x3FF));
        entries.Add(new PaxTarEntry(TarEntryType.RegularFile, "bin/busybox") { Mode = (UnixFileMode)0x1ED, DataStream = busybox });
        entries.AddRange(new DirectoryInfo(root["bin"]).EnumerateFiles().Where(static file => file.LinkTarget is not null).OrderBy(static file => file.Name, StringComparer.Ordinal)
            .Select(static file => new PaxTarEntry(TarEntryType.SymbolicLink, "bin/" + file.Name) { LinkName = file.LinkTarget! }));
        entries.Add(Text("etc/passwd", File.ReadAllText(root["etc/passwd"])));
        entries.Add(Text("etc/group", File.ReadAllText(root["etc/group"])));
        return Layer(entries);
    }
}
