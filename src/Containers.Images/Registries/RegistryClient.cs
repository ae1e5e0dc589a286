using System.Collections.Concurrent;
using System.Net;
using Containers.Oci;

namespace Containers.Registries;

/// <summary>
/// Speaks to registries (distribution-spec 1.1). One serves any number of registries and callers at once. What is pulled comes from the
/// mirrors first; what it returns has been checked, and what cannot be had throws an <see cref="ImageException"/>.
/// </summary>
internal sealed partial class RegistryClient : IDisposable
{
    private const string PullManifest = "pull the manifest of";

    private static readonly string[] ManifestTypes = [MediaTypes.Manifest, MediaTypes.Index, MediaTypes.DockerManifest, MediaTypes.DockerIndex];

    private readonly RegistryOptions _options;
    private readonly RegistryTransport _transport;

    // Mirrors that gave other content than asked for, so that the next attempt goes elsewhere.
    private readonly ConcurrentDictionary<(string Endpoint, Digest Digest), bool> _distrusted = new();

    public RegistryClient(RegistryOptions? options = null)
    {
        _options = options ?? new RegistryOptions();
        _transport = new RegistryTransport(_options);
    }

    public void Dispose() => _transport.Dispose();

    /// <summary>The manifest or index of a reference: by its digest where it has one, which then decides, else by its tag.</summary>
    /// <exception cref="ImageException">It is not there, cannot be had, or is not what it should be.</exception>
    public Task<ManifestDocument> GetManifestAsync(ImageReference reference, CancellationToken cancellationToken = default) =>
        GetManifestAsync(reference, reference.Digest is null ? null : Digest.Parse(reference.Digest), descriptor: null, cancellationToken);

    /// <summary>What an index of the same repository refers to.</summary>
    /// <exception cref="ImageException">It is not there, cannot be had, or is not what the descriptor says.</exception>
    public Task<ManifestDocument> GetManifestAsync(ImageReference reference, Descriptor descriptor, CancellationToken cancellationToken = default) =>
        GetManifestAsync(reference, descriptor.Id, descriptor, cancellationToken);

    /// <summary>
    /// The digest that a tag has now, without its content, to see whether it moved. It is the registry's word: only
    /// <see cref="GetManifestAsync(ImageReference, CancellationToken)"/> checks. Null where there is none.
    /// </summary>
    /// <exception cref="ImageException">The registry cannot be asked, or refuses.</exception>
    public Task<Digest?> ResolveAsync(ImageReference reference, CancellationToken cancellationToken = default) => FromAnyAsync<Digest?>(reference, async endpoint =>
    {
        var request = Request(endpoint, HttpMethod.Head, reference, "manifests/" + Target(reference), "look up", reference.ToString()) with { Accept = ManifestTypes };
        using var response = await _transport.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        await RequireAsync(response, request, HttpStatusCode.OK, cancellationToken).ConfigureAwait(false);
        return response.Headers.TryGetValues("Docker-Content-Digest", out var digests) && Digest.TryParse(digests.First(), out var digest)
            ? digest
            : (await GetManifestAsync(endpoint, reference, Target(reference), expected: null, descriptor: null, cancellationToken).ConfigureAwait(false)).Digest;
    }, static (_, digest) => digest is not null);

    private Task<ManifestDocument> GetManifestAsync(ImageReference reference, Digest? digest, Descriptor? descriptor, CancellationToken cancellationToken) => FromAnyAsync(
        reference, endpoint => GetManifestAsync(endpoint, reference, digest?.ToString() ?? Target(reference), digest, descriptor, cancellationToken));

    private async Task<ManifestDocument> GetManifestAsync(
        RegistryEndpoint endpoint, ImageReference reference, string target, Digest? expected, Descriptor? descriptor, CancellationToken cancellationToken)
    {
        var subject = expected is null ? reference.ToString() : $"{reference.Name}@{expected}";
        var request = Request(endpoint, HttpMethod.Get, reference, "manifests/" + target, PullManifest, subject) with { Accept = ManifestTypes };
        var (bytes, contentType) = await GetDocumentAsync(request, DocumentLimits.MaxDocument, cancellationToken).ConfigureAwait(false);

        // The digest is of the bytes, whatever a header says of them.
        if (expected is { } wanted && Digest.Of(wanted.Algorithm, bytes) is var actual && actual != wanted)
        {
            throw new ImageException(PullManifest, subject, $"{endpoint.Name} gave content with the digest {actual}.");
        }

        var document = ManifestReader.Read(bytes, subject, contentType, descriptor);
        return expected is { } known ? document with { Digest = known } : document;
    }

    /// <summary>A whole small answer. It is asked for again when the connection breaks while it arrives.</summary>
    private async Task<(byte[] Bytes, string? ContentType)> GetDocumentAsync(RegistryRequest request, int maxBytes, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            using var response = await _transport.SendAsync(request, cancellationToken).ConfigureAwait(false);
            await RequireAsync(response, request, HttpStatusCode.OK, cancellationToken).ConfigureAwait(false);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(_options.ResponseTimeout);
            try
            {
                var bytes = await BoundedBody.TryReadAsync(response.Content, maxBytes, limit.Token).ConfigureAwait(false)
                    ?? throw new ImageException(request.Step, request.Subject, $"{request.Endpoint.Name} answers with more than {maxBytes} bytes.");
                return (bytes, response.Content.Headers.ContentType?.MediaType);
            }
            catch (OperationCanceledException late) when (!cancellationToken.IsCancellationRequested)
            {
                throw new ImageException(request.Step, request.Subject, $"{request.Endpoint.Name} did not send it within {_options.ResponseTimeout.TotalSeconds:0} s.", late);
            }
            catch (Exception broken) when (broken is HttpRequestException or IOException)
            {
                if (attempt >= _options.MaxRetries)
                {
                    throw RegistryTransport.Failed(request, broken);
                }
            }

            await Task.Delay(Backoff.Delay(_options, attempt), cancellationToken).ConfigureAwait(false);
        }
    }

    private static string Target(ImageReference reference) => reference.Digest ?? reference.Tag ?? ImageReference.DefaultTag;

    /// <summary>A request about a repository.</summary>
    private static RegistryRequest Request(
        RegistryEndpoint endpoint, HttpMethod method, ImageReference reference, string path, string step, string subject, string rights = "pull") => new()
        {
            Endpoint = endpoint,
            Method = method,
            Address = new Uri(endpoint.Address, $"v2/{reference.Repository}/{path}"),
            Scope = $"repository:{reference.Repository}:{rights}",
            Step = step,
            Subject = subject,
        };

    private RegistryEndpoint Upstream(ImageReference reference)
    {
        if (reference.Transport != ImageTransport.Registry)
        {
            throw new ImageException("ask a registry for", reference.ToString(), "It names a local file.");
        }

        return RegistryEndpoint.For(reference.Registry, _options);
    }

    /// <summary>The mirrors in their order, then the registry itself.</summary>
    private IEnumerable<RegistryEndpoint> Endpoints(ImageReference reference)
    {
        var upstream = Upstream(reference);
        return [.. upstream.Options.Mirrors.Select(mirror => RegistryEndpoint.For(mirror, _options, isMirror: true)), upstream];
    }

    /// <summary>What the first of the endpoints has. A mirror that fails in any way is passed over; the registry's own failure is the answer.</summary>
    private async Task<T> FromAnyAsync<T>(ImageReference reference, Func<RegistryEndpoint, Task<T>> ask, Func<RegistryEndpoint, T, bool>? isAnswer = null)
    {
        foreach (var endpoint in Endpoints(reference).Where(static endpoint => endpoint.IsMirror))
        {
            try
            {
                var answer = await ask(endpoint).ConfigureAwait(false);
                if (isAnswer?.Invoke(endpoint, answer) != false)
                {
                    return answer;
                }
            }
            catch (ImageException)
            {
                // The next has it, or the registry says why not.
            }
        }

        return await ask(Upstream(reference)).ConfigureAwait(false);
    }

    private async Task RequireAsync(HttpResponseMessage response, RegistryRequest request, HttpStatusCode expected, CancellationToken cancellationToken)
    {
        if (response.StatusCode != expected)
        {
            throw await RefusalAsync(response, request, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<ImageException> RefusalAsync(HttpResponseMessage response, RegistryRequest request, CancellationToken cancellationToken)
    {
        var credential = await _transport.Authenticator.FindAsync(request.Endpoint, cancellationToken).ConfigureAwait(false);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_options.ResponseTimeout);
        return await RegistryErrors.ReadAsync(response, request.Step, request.Subject, credential, limit.Token).ConfigureAwait(false);
    }
}
