using System.Collections.Concurrent;
using Containers.Interop;
using Containers.Layers;
using Containers.Oci;
using Containers.Pulling;
using Containers.References;
using Containers.Registries;
using Containers.RootFilesystems;
using Containers.Running;
using Containers.Store;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Containers;

/// <summary>
/// Images on this machine, and the way to registries. A store is a directory that all processes of a user may use at once; what a
/// running container needs is never taken away. All members may be used from any thread.
/// </summary>
public sealed partial class ImageStore : IDisposable
{
    private readonly ImageStoreOptions _options;
    private readonly ILogger _logger;
    private readonly Lazy<ContentStore> _store;
    private readonly ContainerEngine? _engine;
    private readonly RegistryClient _registries;
    private readonly ConcurrentDictionary<(Digest Target, ImagePlatform Platform), InstalledImage> _known = new();

    /// <summary>Opens a store; nothing is read or written before it is first used.</summary>
    /// <param name="options">Where it is, and how registries are reached; null for the defaults.</param>
    public ImageStore(ImageStoreOptions? options = null)
        : this(options ?? new ImageStoreOptions(), NullLogger.Instance)
    {
    }

    /// <param name="options">Where it is, and how registries are reached.</param>
    /// <param name="logger">Is told what happens.</param>
    /// <param name="engine">Whose containers the images are for: an ordinary user's with subordinate ids gets files with their owners. Null: nobody's.</param>
    internal ImageStore(ImageStoreOptions options, ILogger logger, ContainerEngine? engine = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.ParallelLayers, 1, nameof(options));
        _options = options;
        _logger = logger;
        _registries = new RegistryClient(options.Registries);
        _engine = engine;
        _store = new Lazy<ContentStore>(() => ContentStore.Open(
            options.ResolveDirectory(), problem => _logger.StoreProblem(problem.ToString()), RemoveTree, () => Subordinate?.Variant ?? string.Empty));
    }

    internal ContentStore Store => _store.Value;

    /// <summary>Null where files have no other owners than the user, or any, as with root.</summary>
    private SubordinateFiles? Subordinate => _engine is null ? null : field = SubordinateFiles.Of(_engine, field);

    /// <summary>Fetches an image, with every layer unpacked, and gives it its name here. What is there already is not fetched again.</summary>
    /// <param name="reference">The image, as <see cref="ImageReference.Parse"/> takes it.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="cancellationToken">Gives it up; what has come so far is used by the next pull.</param>
    /// <returns>What was pulled.</returns>
    /// <exception cref="FormatException"><paramref name="reference"/> is no reference.</exception>
    /// <exception cref="ImageException">The image cannot be had, or is not what its digests say.</exception>
    public async Task<ImageInfo> PullAsync(string reference, PullOptions? options = null, CancellationToken cancellationToken = default)
    {
        var hold = Store.Hold();
        await using (hold.ConfigureAwait(false))
        {
            var image = await PullAsync(ImageReference.Parse(reference), options ?? new PullOptions(), hold, cancellationToken).ConfigureAwait(false);
            return Describe(image);
        }
    }

    /// <summary>The image for a container, held as long as that lives.</summary>
    /// <exception cref="ImageException">It cannot be had.</exception>
    internal async Task<HeldImage> HoldAsync(ImageReference reference, PullPolicy policy, ImagePlatform platform, CancellationToken cancellationToken)
    {
        var hold = Store.Hold();
        try
        {
            var isRemote = reference.Transport == ImageTransport.Registry;
            policy = IsDigestAlone(reference) ? PullPolicy.Never : policy;
            var image = policy is PullPolicy.Always or PullPolicy.Newer ? null : await FindHeldAsync(reference, platform, hold, cancellationToken).ConfigureAwait(false);
            if (image is null && policy == PullPolicy.Never && isRemote)
            {
                throw NotStored("run the image", reference, "Pull it, or choose another PullPolicy.");
            }

            try
            {
                image ??= await PullAsync(reference, new PullOptions { Platform = platform }, hold, cancellationToken).ConfigureAwait(false);
            }
            catch (ImageException fault) when (policy == PullPolicy.Newer)
            {
                image = await FindHeldAsync(reference, platform, hold, cancellationToken).ConfigureAwait(false);
                if (image is null)
                {
                    throw;
                }

                _logger.NotPulled(reference, fault);
            }

            await InstallAsync(hold, image, isRemote ? new RegistryOrigin(_registries, reference) : null, new TransferProgress(null), cancellationToken).ConfigureAwait(false);
            Store.Blobs.Touch(image.Target.Id);
            return new HeldImage(reference.Familiar, image.Document, image.Configuration, Store.Layers.Directory, image.FindLayers(Store)!.Value, hold, Subordinate);
        }
        catch
        {
            await hold.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Closes the store. Containers that run are not affected.</summary>
    public void Dispose()
    {
        _registries.Dispose();
        if (_store.IsValueCreated)
        {
            _store.Value.Dispose();
        }
    }

    /// <summary>
    /// Layers unpacked with subordinate ids are removed inside the user namespace of an engine. Without one, as when another process
    /// opens the store alone, they are left where they are, which is below a session that has ended: the next store of an engine that is
    /// opened there sweeps them.
    /// </summary>
    private void RemoveTree(string path)
    {
        try
        {
            DirectoryTree.Remove(path);
        }
        catch (ContainerException refused) when (Libc.EffectiveUserId() != 0 && SubordinateFiles.IsRefusal(refused))
        {
            try
            {
                if (Subordinate is { } subordinate)
                {
                    subordinate.RemoveTree(path);
                    return;
                }
            }
            catch (ObjectDisposedException)
            {
                // The engine goes, and its store with it.
            }

            _logger.TreeLeft(path, refused);
        }
    }

    private static ImageException NotStored(string step, ImageReference reference, string remedy) =>
        new(step, reference.Familiar, $"It is not in the store. {remedy}");

    private async Task<InstalledImage> PullAsync(ImageReference reference, PullOptions options, Hold hold, CancellationToken cancellationToken)
    {
        var platform = options.Platform ?? ImagePlatform.Current;
        if (reference.Transport != ImageTransport.Registry)
        {
            return await ImportAsync(reference, platform, hold, new TransferProgress(options.Progress), cancellationToken).ConfigureAwait(false);
        }

        using var own = options.Credential is null ? null : Client(reference, options.Credential);
        var origin = new RegistryOrigin(own ?? _registries, reference);
        var image = await StoredIfCurrentAsync(origin, reference, platform, hold, cancellationToken).ConfigureAwait(false)
            ?? await FetchDocumentsAsync(origin, reference, platform, hold, cancellationToken).ConfigureAwait(false);
        await InstallAsync(hold, image, origin, new TransferProgress(options.Progress), cancellationToken).ConfigureAwait(false);
        if (reference.Tag is not null && reference.Digest is null)
        {
            await Store.Tags.SetAsync(reference.ToString(), image.Target, cancellationToken).ConfigureAwait(false);
        }

        Store.Blobs.Touch(image.Target.Id);
        _logger.Pulled(reference, image.Document.Digest);
        return image;
    }

    /// <summary>Most pulls of a name find that it still means what it did: that is one question, with no body in its answer.</summary>
    private async Task<InstalledImage?> StoredIfCurrentAsync(
        RegistryOrigin origin, ImageReference reference, ImagePlatform platform, Hold hold, CancellationToken cancellationToken)
    {
        if (await FindHeldAsync(reference, platform, hold, cancellationToken).ConfigureAwait(false) is not { } stored)
        {
            return null;
        }

        return reference.Digest is not null || await origin.FindDigestAsync(cancellationToken).ConfigureAwait(false) == stored.Target.Id ? stored : null;
    }

    private async Task<InstalledImage> FetchDocumentsAsync(
        RegistryOrigin origin, ImageReference reference, ImagePlatform platform, Hold hold, CancellationToken cancellationToken)
    {
        var name = reference.Familiar;
        var document = await origin.GetManifestAsync(null, cancellationToken).ConfigureAwait(false);
        var target = document.Descriptor;
        for (var depth = 0; ; depth++)
        {
            await Store.Blobs.WriteAsync(hold, document.Bytes, cancellationToken).ConfigureAwait(false);
            if (document.Index is not { } index)
            {
                break;
            }

            document = depth < DocumentLimits.MaxIndexDepth
                ? await origin.GetManifestAsync(PlatformSelector.Select(index, platform, name), cancellationToken).ConfigureAwait(false)
                : throw new ImageException("pull the image", name, $"Its indexes are nested more than {DocumentLimits.MaxIndexDepth} deep.");
        }

        ManifestReader.RequireImage(document.Manifest!, name);
        var bytes = await origin.GetDocumentAsync(document.Manifest!.Config, cancellationToken).ConfigureAwait(false);
        var configuration = ConfigurationReader.Read(bytes, document.Manifest, name);
        PlatformSelector.Require(configuration, platform, name);
        await Store.Blobs.WriteAsync(hold, bytes, cancellationToken).ConfigureAwait(false);
        return Remember(new InstalledImage(name, target, document, configuration), platform);
    }

    private Task InstallAsync(Hold hold, InstalledImage image, ILayerOrigin? origin, TransferProgress progress, CancellationToken cancellationToken) =>
        new LayerInstaller(Store, _options.ParallelLayers, _options.Limits, Subordinate).InstallAsync(hold, image, origin, progress, cancellationToken);

    /// <summary>One that shows a registry what the caller gave, and nobody else.</summary>
    private RegistryClient Client(ImageReference reference, RegistryCredential credential) => new(_options.Registries.With(reference.Registry, credential));

    private InstalledImage Remember(InstalledImage image, ImagePlatform platform)
    {
        _known[(image.Target.Id, platform)] = image;
        return image;
    }

    /// <summary>What the store has of a name, held before it is looked at; null where something of its documents is missing.</summary>
    private async Task<InstalledImage?> FindHeldAsync(ImageReference reference, ImagePlatform platform, Hold hold, CancellationToken cancellationToken)
    {
        if (TargetOf(reference) is not { } target)
        {
            return null;
        }

        await hold.AddAsync(target.Id, cancellationToken).ConfigureAwait(false);
        if (_known.TryGetValue((target.Id, platform), out var known) && Store.Blobs.Contains(known.Document.Digest) && Store.Blobs.Contains(known.Target.Id))
        {
            return known;
        }

        if (!Store.Blobs.Contains(target.Id))
        {
            return null;
        }

        var name = reference.Familiar;
        var document = await Store.Images.ReadAsync(target.Id, target.MediaType is null ? null : target, cancellationToken).ConfigureAwait(false);
        for (var depth = 0; document.Index is { } index; depth++)
        {
            var entry = PlatformSelector.Select(index, platform, name);
            if (depth >= DocumentLimits.MaxIndexDepth || !Store.Blobs.Contains(entry.Id))
            {
                return null;
            }

            document = await Store.Images.ReadAsync(entry.Id, entry, cancellationToken).ConfigureAwait(false);
        }

        ManifestReader.RequireImage(document.Manifest!, name);
        if (!Store.Blobs.Contains(document.Manifest!.Config.Id))
        {
            return null;
        }

        var configuration = await Store.Images.ReadConfigurationAsync(document.Manifest, cancellationToken).ConfigureAwait(false);
        PlatformSelector.Require(configuration, platform, name);
        return Remember(new InstalledImage(name, target with { MediaType = target.MediaType ?? document.MediaType }, document, configuration), platform);
    }

    /// <summary>What the name means here.</summary>
    private Descriptor? TargetOf(ImageReference reference)
    {
        if (DigestIn(reference) is not { } digest)
        {
            return Store.Tags.Get(reference.ToString());
        }

        return Store.Blobs.Size(Digest.Parse(digest)) is { } size ? new Descriptor { Digest = digest, Size = size } : null;
    }

    /// <summary>A digest alone means an image of the store, as with Docker; the grammar of references would have it a tag of a repository called sha256.</summary>
    private static string? DigestIn(ImageReference reference) =>
        reference.Digest ?? (IsDigestAlone(reference) ? reference.Familiar : null);

    private static bool IsDigestAlone(ImageReference reference) => Digest.TryParse(reference.Familiar, out _);
}
