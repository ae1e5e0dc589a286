using System.Net;
using System.Net.Http.Headers;
using Containers.Oci;

namespace Containers.Registries;

internal sealed partial class RegistryClient
{
    private const string PushBlob = "push the blob";
    private const string PushRights = "pull,push";
    private const int ChunkSize = 16 * 1024 * 1024;
    private const int MaxChunk = 256 * 1024 * 1024;

    /// <summary>
    /// Pushes a blob unless it is there: from another repository of the same registry where that is possible, else in one piece, else
    /// in pieces.
    /// </summary>
    /// <param name="reference">The repository.</param>
    /// <param name="descriptor">The blob's digest and size.</param>
    /// <param name="open">Opens its content at the start; asked again for each attempt.</param>
    /// <param name="mountFrom">A repository of the same registry that may have it.</param>
    /// <param name="cancellationToken">Ends it; what was sent is left to the registry to clean up.</param>
    /// <exception cref="ImageException">The registry refuses or cannot be reached.</exception>
    public async Task PushBlobAsync(
        ImageReference reference, Descriptor descriptor, Func<Stream> open, string? mountFrom = null, CancellationToken cancellationToken = default)
    {
        if (await HasBlobAsync(reference, descriptor.Id, cancellationToken).ConfigureAwait(false))
        {
            return;
        }

        var start = await StartUploadAsync(reference, descriptor, mountFrom, cancellationToken).ConfigureAwait(false);
        if (start.Location is null || await TryPushWholeAsync(reference, descriptor, start.Location, open, cancellationToken).ConfigureAwait(false))
        {
            return;
        }

        start = await StartUploadAsync(reference, descriptor, mountFrom: null, cancellationToken).ConfigureAwait(false);
        if (start.Location is not null)
        {
            await PushPiecesAsync(reference, descriptor, start.Location, start.MinimumChunk, open, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Pushes a manifest or index under the reference's digest or tag; returns its digest.</summary>
    /// <exception cref="ImageException">The registry refuses or cannot be reached.</exception>
    public async Task<Digest> PushManifestAsync(ImageReference reference, ReadOnlyMemory<byte> bytes, string mediaType, CancellationToken cancellationToken = default)
    {
        var digest = Digest.Of(bytes.Span);
        if (reference.Digest is { } wanted && (Digest.Parse(wanted) is var id) && id != Digest.Of(id.Algorithm, bytes.Span))
        {
            throw new ImageException("push the manifest of", reference.ToString(), "Its content has another digest than the reference.");
        }

        var request = Request(Upstream(reference), HttpMethod.Put, reference, "manifests/" + Target(reference), "push the manifest of", reference.ToString(), PushRights) with
        {
            Content = () => Body(new ReadOnlyMemoryContent(bytes), mediaType),
        };
        using var response = await _transport.SendAsync(request, cancellationToken).ConfigureAwait(false);
        await RequireAsync(response, request, HttpStatusCode.Created, cancellationToken).ConfigureAwait(false);
        return digest;
    }

    /// <summary>Deletes a manifest by its digest, or a tag where the registry can.</summary>
    /// <exception cref="ImageException">It is not there, or the registry refuses or cannot be reached.</exception>
    public async Task DeleteManifestAsync(ImageReference reference, CancellationToken cancellationToken = default)
    {
        var request = Request(Upstream(reference), HttpMethod.Delete, reference, "manifests/" + Target(reference), "delete", reference.ToString(), "pull,push,delete");
        using var response = await _transport.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            await RequireAsync(response, request, HttpStatusCode.Accepted, cancellationToken).ConfigureAwait(false);
        }
    }

    private static HttpContent Body(HttpContent content, string mediaType)
    {
        content.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
        return content;
    }

    /// <summary>Where the blob is to be sent; no location where it was mounted and is there.</summary>
    private async Task<(Uri? Location, long MinimumChunk)> StartUploadAsync(
        ImageReference reference, Descriptor descriptor, string? mountFrom, CancellationToken cancellationToken)
    {
        var path = "blobs/uploads/" + (mountFrom is null ? null : $"?mount={Uri.EscapeDataString(descriptor.Digest)}&from={Uri.EscapeDataString(mountFrom)}");
        var request = Push(reference, descriptor, HttpMethod.Post, path);
        if (mountFrom is not null)
        {
            request = request with { Scope = $"{request.Scope} repository:{mountFrom}:pull" };
        }

        using var response = await _transport.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (mountFrom is not null && response.StatusCode == HttpStatusCode.Created)
        {
            return (null, 0);
        }

        // A registry that may not or cannot mount starts an upload; one that refuses is asked without.
        if (mountFrom is not null && response.StatusCode != HttpStatusCode.Accepted)
        {
            return await StartUploadAsync(reference, descriptor, mountFrom: null, cancellationToken).ConfigureAwait(false);
        }

        await RequireAsync(response, request, HttpStatusCode.Accepted, cancellationToken).ConfigureAwait(false);
        var minimum = response.Headers.TryGetValues("OCI-Chunk-Min-Length", out var values) && long.TryParse(values.First(), out var length) ? length : 0;
        return (Location(request, response), minimum);
    }

    private async Task<bool> TryPushWholeAsync(ImageReference reference, Descriptor descriptor, Uri location, Func<Stream> open, CancellationToken cancellationToken)
    {
        var request = Push(reference, descriptor, HttpMethod.Put, string.Empty) with
        {
            Address = WithDigest(location, descriptor),
            Content = () => Sized(Body(new StreamContent(open()), "application/octet-stream"), descriptor.Size),
            ContentLength = descriptor.Size,
            IsRepeatable = false,
        };
        HttpResponseMessage response;
        try
        {
            response = await _transport.SendAsync(request, cancellationToken).ConfigureAwait(false);
        }
        catch (ImageException)
        {
            // A connection that broke, or a server that hung up on a body it finds too large: in pieces less is lost.
            return false;
        }

        using (response)
        {
            if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
            {
                throw await RefusalAsync(response, request, cancellationToken).ConfigureAwait(false);
            }

            return response.StatusCode == HttpStatusCode.Created;
        }
    }

    private async Task PushPiecesAsync(
        ImageReference reference, Descriptor descriptor, Uri location, long minimumChunk, Func<Stream> open, CancellationToken cancellationToken)
    {
        var chunk = new byte[Math.Min(Math.Max(Math.Min(ChunkSize, descriptor.Size), Math.Min(minimumChunk, MaxChunk)), Math.Max(1, descriptor.Size))];
        using var content = open();
        for (long sent = 0; sent < descriptor.Size;)
        {
            var length = (int)Math.Min(chunk.Length, descriptor.Size - sent);
            await content.ReadExactlyAsync(chunk.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
            location = await PushPieceAsync(reference, descriptor, location, chunk.AsMemory(0, length), sent, cancellationToken).ConfigureAwait(false);
            sent += length;
        }

        var close = Push(reference, descriptor, HttpMethod.Put, string.Empty) with
        {
            Address = WithDigest(location, descriptor),
            Content = () => Body(new ByteArrayContent([]), "application/octet-stream"),
        };
        using var response = await _transport.SendAsync(close, cancellationToken).ConfigureAwait(false);
        await RequireAsync(response, close, HttpStatusCode.Created, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Sends one piece; after a failure it asks how much arrived, and goes on from there.</summary>
    private async Task<Uri> PushPieceAsync(
        ImageReference reference, Descriptor descriptor, Uri location, ReadOnlyMemory<byte> piece, long offset, CancellationToken cancellationToken)
    {
        for (var (attempt, done) = (0, 0); ; attempt++)
        {
            var (from, rest) = (offset + done, piece[done..]);
            var request = Push(reference, descriptor, HttpMethod.Patch, string.Empty) with
            {
                Address = location,
                Content = () => Ranged(Body(new ReadOnlyMemoryContent(rest), "application/octet-stream"), from, rest.Length),
                ContentLength = rest.Length,
                IsRepeatable = false,
            };
            try
            {
                using var response = await _transport.SendAsync(request, cancellationToken).ConfigureAwait(false);
                if (response.StatusCode == HttpStatusCode.Accepted)
                {
                    return Location(request, response);
                }

                if (attempt >= _options.MaxRetries || (int)response.StatusCode is not (>= 500 or 408 or 416 or 429))
                {
                    throw await RefusalAsync(response, request, cancellationToken).ConfigureAwait(false);
                }
            }
            catch (ImageException broken) when (attempt < _options.MaxRetries && broken.InnerException is not null)
            {
                // The connection broke: how much arrived is asked below.
            }

            await Task.Delay(Backoff.Delay(_options, attempt), cancellationToken).ConfigureAwait(false);
            var ask = Push(reference, descriptor, HttpMethod.Get, string.Empty) with { Address = location };
            using var status = await _transport.SendAsync(ask, cancellationToken).ConfigureAwait(false);
            await RequireAsync(status, ask, HttpStatusCode.NoContent, cancellationToken).ConfigureAwait(false);
            location = Location(ask, status);
            var arrived = Arrived(status);
            if (arrived < offset || arrived > offset + piece.Length)
            {
                throw new ImageException(PushBlob, ask.Subject, $"{ask.Endpoint.Name} has lost what was sent before. Push again.");
            }

            done = (int)(arrived - offset);
            if (done == piece.Length)
            {
                return location;
            }
        }
    }

    /// <summary>How many bytes of an upload the registry has: <c>Range: 0-99</c> is 100; nothing yet is <c>0-0</c> with most, and no header with some.</summary>
    private static long Arrived(HttpResponseMessage status) =>
        status.Headers.TryGetValues("Range", out var values) && values.First().Split('-') is [_, var last] && long.TryParse(last, out var end) && end > 0 ? end + 1 : 0;

    private RegistryRequest Push(ImageReference reference, Descriptor descriptor, HttpMethod method, string path) =>
        Request(Upstream(reference), method, reference, path, PushBlob, $"{reference.Name}@{descriptor.Digest}", PushRights);

    /// <summary>Where to go on. Wherever it is, the credential goes to the registry's own host only.</summary>
    private Uri Location(RegistryRequest request, HttpResponseMessage response) => response.Headers.Location is { } location
        ? _transport.Next(request, request.Address, location)
        : throw new ImageException(request.Step, request.Subject, $"{request.Endpoint.Name} does not say where to send it.");

    private static Uri WithDigest(Uri location, Descriptor descriptor)
    {
        var builder = new UriBuilder(location);
        var digest = "digest=" + Uri.EscapeDataString(descriptor.Digest);
        builder.Query = builder.Query.Length > 1 ? $"{builder.Query[1..]}&{digest}" : digest;
        return builder.Uri;
    }

    private static HttpContent Sized(HttpContent content, long length)
    {
        content.Headers.ContentLength = length;
        return content;
    }

    private static HttpContent Ranged(HttpContent content, long from, int length)
    {
        // Without a unit, unlike everywhere else in HTTP (distribution-spec, pushing a blob in chunks).
        content.Headers.TryAddWithoutValidation("Content-Range", $"{from}-{from + length - 1}");
        return Sized(content, length);
    }
}
