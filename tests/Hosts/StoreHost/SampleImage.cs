using System.Collections.Immutable;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Containers.Oci;
using Containers.Store;
using Containers.Tar;

namespace Containers.Tests;

/// <summary>Small images that overlap: each has a layer that all have, one that some have, and one of its own.</summary>
internal sealed class SampleImage
{
    private const int FileSize = 48 * 1024;

    private SampleImage(int number) => Number = number;

    public int Number { get; }

    public string Name => string.Create(CultureInfo.InvariantCulture, $"example.org/sample:{Number}");

    /// <summary>The layers as tars, lowest first.</summary>
    public List<byte[]> Tars { get; } = [];

    /// <summary>The layers as they are stored; some are compressed.</summary>
    public List<byte[]> Blobs { get; } = [];

    public required byte[] Configuration { get; init; }

    public required byte[] Manifest { get; init; }

    public Digest Digest => Digest.Of(Manifest);

    public Descriptor Target => new() { MediaType = MediaTypes.Manifest, Digest = Digest.ToString(), Size = Manifest.Length };

    public ImmutableArray<LayerIdentity> Identities => LayerIdentity.Of(Tars.Select(static tar => Digest.Of(tar)));

    public static async Task<SampleImage> CreateAsync(int number)
    {
        var tars = new List<byte[]>();
        var blobs = new List<byte[]>();
        foreach (var layer in (int[])[0, 1 + (number % 3), 100 + number])
        {
            tars.Add(await TarAsync(layer));
            blobs.Add(layer % 2 == 1 ? Compress(tars[^1]) : tars[^1]);
        }

        var configuration = JsonSerializer.SerializeToUtf8Bytes(
            new ImageConfiguration
            {
                Architecture = "amd64",
                Os = "linux",
                Rootfs = new LayerIdentities { DiffIds = [.. tars.Select(static tar => Digest.Of(tar).ToString())] },
            },
            OciJson.Default.ImageConfiguration);
        var manifest = new ImageManifest
        {
            MediaType = MediaTypes.Manifest,
            Config = new Descriptor { MediaType = MediaTypes.Configuration, Digest = Digest.Of(configuration).ToString(), Size = configuration.Length },
            Layers = [.. blobs.Zip(tars, static (blob, tar) => new Descriptor
            {
                MediaType = ReferenceEquals(blob, tar) ? MediaTypes.Layer : MediaTypes.LayerGzip,
                Digest = Digest.Of(blob).ToString(),
                Size = blob.Length,
            })],
        };
        var image = new SampleImage(number)
        {
            Configuration = configuration,
            Manifest = JsonSerializer.SerializeToUtf8Bytes(manifest, OciJson.Default.ImageManifest),
        };
        image.Tars.AddRange(tars);
        image.Blobs.AddRange(blobs);
        return image;
    }

    /// <summary>Stores it as a pull does, and unpacks its layers; the tag comes last, while all is held.</summary>
    public async Task StoreAsync(ContentStore store, bool tag = true, bool unpack = true, CancellationToken cancellationToken = default)
    {
        await using var hold = store.Hold();
        await StoreAsync(store, hold, unpack, cancellationToken);
        if (tag)
        {
            await store.Tags.SetAsync(Name, Target, cancellationToken);
        }
    }

    public async Task StoreAsync(ContentStore store, Hold hold, bool unpack = true, CancellationToken cancellationToken = default)
    {
        await hold.AddAsync(Digest, cancellationToken);
        await store.Blobs.WriteAsync(hold, Configuration, cancellationToken);
        foreach (var blob in Blobs)
        {
            var writer = await store.Blobs.BeginAsync(hold, Digest.Of(blob), blob.Length, cancellationToken);
            if (writer is null)
            {
                continue;
            }

            await using (writer)
            {
                foreach (var part in blob[(int)writer.Length..].Chunk(9999))
                {
                    await writer.WriteAsync(part, cancellationToken);
                }

                await writer.CommitAsync(cancellationToken);
            }
        }

        if (unpack)
        {
            await UnpackAsync(store, hold, cancellationToken);
        }

        await store.Blobs.WriteAsync(hold, Manifest, cancellationToken);
    }

    /// <summary>Whether a layer's directory has what belongs there.</summary>
    public static bool IsWhole(string directory) => Directory.EnumerateFiles(directory).Count() == 2
        && Directory.EnumerateFiles(directory).All(static file => new FileInfo(file).Length == FileSize);

    private async Task UnpackAsync(ContentStore store, Hold hold, CancellationToken cancellationToken)
    {
        var drafts = await store.Layers.BeginAsync(hold, Identities, cancellationToken);
        try
        {
            foreach (var draft in drafts)
            {
                foreach (var file in (string[])["first", "second"])
                {
                    await File.WriteAllBytesAsync(Path.Combine(draft.Directory, file), new byte[FileSize], cancellationToken);
                }

                draft.Complete(isSelfContained: draft.Identity.DiffId.Hex[0] < '8', 2 * FileSize);
            }

            store.Layers.Publish(drafts);
        }
        finally
        {
            foreach (var draft in drafts)
            {
                draft.Dispose();
            }
        }
    }

    private static async Task<byte[]> TarAsync(int layer)
    {
        var content = new byte[FileSize];
        new Random(layer).NextBytes(content);
        var stream = new MemoryStream();
        using var writer = new TarWriter(stream);
        var name = string.Create(CultureInfo.InvariantCulture, $"layer-{layer}");
        await writer.WriteAsync(
            new TarEntry { Kind = TarEntryKind.File, Path = Encoding.ASCII.GetBytes(name), Size = content.Length }, content, CancellationToken.None);
        await writer.CompleteAsync(CancellationToken.None);
        return stream.ToArray();
    }

    private static byte[] Compress(byte[] content)
    {
        var stream = new MemoryStream();
        using (var gzip = new GZipStream(stream, CompressionLevel.Fastest))
        {
            gzip.Write(content);
        }

        return stream.ToArray();
    }
}
