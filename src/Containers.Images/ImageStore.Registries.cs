using Containers.Oci;
using Containers.Pulling;
using Containers.Pushing;
using Containers.Registries;

namespace Containers;

// What is in registries.
public sealed partial class ImageStore
{
    /// <summary>
    /// Pushes an image to the registry that its name says; what is there already is not sent again. Of an image of many platforms the whole
    /// index is pushed where all of them are in the store, else the one of this machine.
    /// </summary>
    /// <param name="reference">The image, by the name it has here and is to have there; give it that with <see cref="TagAsync"/>.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <returns>The digest of what the name means there.</returns>
    /// <exception cref="FormatException"><paramref name="reference"/> is no reference.</exception>
    /// <exception cref="ArgumentException"><paramref name="reference"/> is none of a registry, or has a digest.</exception>
    /// <exception cref="ImageException">It is not in the store as a whole, or the registry refuses.</exception>
    public async Task<string> PushAsync(string reference, PushOptions? options = null, CancellationToken cancellationToken = default)
    {
        var name = RequireTag(reference, nameof(reference));
        options ??= new PushOptions();
        var hold = Store.Hold();
        await using (hold.ConfigureAwait(false))
        {
            var image = await FindHeldAsync(name, options.Platform ?? ImagePlatform.Current, hold, cancellationToken).ConfigureAwait(false)
                ?? throw NotStored("push the image", name, "Give one this name with TagAsync or CommitAsync.");
            var document = await Store.Images.ReadAsync(image.Target.Id, null, cancellationToken).ConfigureAwait(false);
            if (document.Index is { } index && !index.Manifests.All(entry => Store.Blobs.Contains(entry.Id)))
            {
                document = image.Document;
            }

            using var own = options.Credential is null ? null : Client(name, options.Credential);
            var siblings = Store.Tags.List().Where(tag => tag.Value.Id == image.Target.Id)
                .Select(static tag => ImageReference.TryParse(tag.Key, out var other) ? other : null)
                .Where(other => other?.Registry == name.Registry && other.Repository != name.Repository).Select(static other => other!.Repository);
            await new ImagePusher(Store, own ?? _registries, name, [.. siblings], _options.ParallelLayers)
                .PushAsync(document, new TransferProgress(options.Progress), cancellationToken).ConfigureAwait(false);
            _logger.Pushed(name, document.Digest);
            return document.Digest.ToString();
        }
    }

    /// <summary>The tags of a repository in its registry.</summary>
    /// <param name="repository">The repository; a tag in it means nothing here.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="FormatException"><paramref name="repository"/> is no reference.</exception>
    /// <exception cref="ImageException">The registry refuses or cannot be reached.</exception>
    public IAsyncEnumerable<string> ListTagsAsync(string repository, CancellationToken cancellationToken = default) =>
        _registries.ListTagsAsync(Remote(repository, nameof(repository)), cancellationToken);

    /// <summary>The repositories of a registry, where it tells.</summary>
    /// <param name="registry">The registry's host, and port where it has one.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="ImageException">The registry refuses or cannot be reached.</exception>
    public IAsyncEnumerable<string> ListRepositoriesAsync(string registry, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(registry);
        return _registries.ListRepositoriesAsync(registry, cancellationToken);
    }

    /// <summary>Deletes an image from its registry; here it stays.</summary>
    /// <param name="reference">The image, by digest, which all registries take that delete at all; or by tag.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="FormatException"><paramref name="reference"/> is no reference.</exception>
    /// <exception cref="ImageException">It is not there, or the registry refuses or cannot be reached.</exception>
    public Task DeleteFromRegistryAsync(string reference, CancellationToken cancellationToken = default) =>
        _registries.DeleteManifestAsync(Remote(reference, nameof(reference)), cancellationToken);

    /// <summary>What in the registry refers to an image: signatures, attestations, and the like.</summary>
    /// <param name="reference">The image; by digest, or by a tag, which is looked up there.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="FormatException"><paramref name="reference"/> is no reference.</exception>
    /// <exception cref="ImageException">It is not there, or the registry refuses or cannot be reached.</exception>
    public async Task<IReadOnlyList<ImageReferrer>> ListReferrersAsync(string reference, CancellationToken cancellationToken = default)
    {
        var image = Remote(reference, nameof(reference));
        var digest = image.Digest is { } pinned ? Digest.Parse(pinned)
            : await _registries.ResolveAsync(image, cancellationToken).ConfigureAwait(false) ?? throw new ImageException("find", reference, "The registry does not have it.");
        return [.. (await _registries.ListReferrersAsync(image, digest, cancellationToken).ConfigureAwait(false))
            .Select(static referrer => new ImageReferrer(referrer.Digest, referrer.ArtifactType, referrer.Size, referrer.Annotations ?? (IReadOnlyDictionary<string, string>)new Dictionary<string, string>()))];
    }

    private static ImageReference Remote(string reference, string parameter)
    {
        var parsed = ImageReference.Parse(reference);
        return parsed.Transport == ImageTransport.Registry ? parsed : throw new ArgumentException($"'{reference}' is in no registry.", parameter);
    }
}
