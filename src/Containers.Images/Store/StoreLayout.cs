using Containers.Oci;

namespace Containers.Store;

/// <summary>
/// Where things are in a store:
/// <code>
/// version            the number of this layout
/// collector.lock     shared while something is held or tagged, exclusive while garbage is marked and swept
/// blobs/sha256/HEX   content by its digest, as in an OCI image layout
/// partial/           downloads that can be continued, each locked by who writes it
/// layers/NAME/       unpacked layers, NAME from the layer's identity, and from the ids where it was unpacked with subordinate ones
/// records/NAME       the layer's identity and size
/// tags/HEX           a name and what it means, in a file by the name's digest
/// locks/             who unpacks which layer
/// sessions/ID.lock   a user of the store, alive while this is locked; ID/ is its own: temporary files, and what it holds
/// aside/             what was found broken
/// </code>
/// </summary>
internal sealed class StoreLayout(string root)
{
    public const string LockSuffix = ".lock";
    public const string Remedy = "Name another directory for the store.";

    public string Root { get; } = root;

    public string Version { get; } = Path.Combine(root, "version");

    public string CollectorLock { get; } = Path.Combine(root, "collector.lock");

    public string Blobs { get; } = Path.Combine(root, "blobs");

    public string Partial { get; } = Path.Combine(root, "partial");

    public string Layers { get; } = Path.Combine(root, "layers");

    public string Records { get; } = Path.Combine(root, "records");

    public string Tags { get; } = Path.Combine(root, "tags");

    public string Locks { get; } = Path.Combine(root, "locks");

    public string Sessions { get; } = Path.Combine(root, "sessions");

    public string Aside { get; } = Path.Combine(root, "aside");

    public IEnumerable<string> Directories =>
        [BlobsOf(Digest.Sha256), BlobsOf(Digest.Sha512), Partial, Layers, Records, Tags, Locks, Sessions, Aside];

    public string BlobsOf(string algorithm) => Path.Combine(Blobs, algorithm);

    public string Blob(Digest digest) => Path.Combine(Blobs, digest.Algorithm, digest.Hex);

    public string PartialOf(Digest digest) => Path.Combine(Partial, $"{digest.Algorithm}-{digest.Hex}");
}
