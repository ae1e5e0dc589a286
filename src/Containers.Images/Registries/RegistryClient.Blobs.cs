using System.Net;
using Containers.Oci;

namespace Containers.Registries;

internal sealed partial class RegistryClient
{
    private const string PullBlob = "pull the blob";

    /// <summary>
    /// A blob as a stream that checks itself: it goes on after a broken connection, and throws an <see cref="ImageException"/> in place of
    /// the last bytes when size or digest are not the descriptor's. Reading to the end is what proves the content.
    /// </summary>
    /// <param name="reference">The repository.</param>
    /// <param name="descriptor">The blob.</param>
    /// <param name="from">Where to begin; what begins in the middle is counted, and its digest left to who has the beginning.</param>
    public Stream OpenBlob(ImageReference reference, Descriptor descriptor, long from = 0)
    {
        var digest = descriptor.Id;
        var subject = $"{reference.Name}@{digest}";
        var endpoints = Endpoints(reference).Where(endpoint => !endpoint.IsMirror || !_distrusted.ContainsKey((endpoint.Name, digest))).ToArray();
        return new BlobStream(endpoints, AskAsync, descriptor, from, subject, _options, Distrust);

        Task<HttpResponseMessage> AskAsync(RegistryEndpoint endpoint, long next, CancellationToken cancellationToken) =>
            AskForBlobAsync(Request(endpoint, HttpMethod.Get, reference, $"blobs/{digest}", PullBlob, subject) with { From = next }, cancellationToken);

        void Distrust(RegistryEndpoint endpoint) => _distrusted[(endpoint.Name, digest)] = true;
    }

    /// <summary>A small blob, as a configuration, whole and checked.</summary>
    /// <exception cref="ImageException">It is larger, is not there, or is not what the descriptor says.</exception>
    public async Task<byte[]> GetBlobAsync(ImageReference reference, Descriptor descriptor, int maxBytes = DocumentLimits.MaxDocument, CancellationToken cancellationToken = default)
    {
        if (descriptor.Size < 0 || descriptor.Size > maxBytes)
        {
            throw new ImageException(PullBlob, $"{reference.Name}@{descriptor.Digest}", $"It has {descriptor.Size} bytes; at most {maxBytes} are held in memory.");
        }

        // A mirror that gives other content is found out at the end only, and then asked no more: one attempt for each.
        for (var endpoints = Endpoints(reference).Count(); ; endpoints--)
        {
            using var stream = OpenBlob(reference, descriptor);
            var bytes = new byte[descriptor.Size];
            try
            {
                await stream.ReadExactlyAsync(bytes, cancellationToken).ConfigureAwait(false);
                _ = await stream.ReadAsync(new byte[1], cancellationToken).ConfigureAwait(false);
                return bytes;
            }
            catch (ImageException) when (endpoints > 1 && stream is BlobStream { WasMirrored: true })
            {
                // The next one.
            }
        }
    }

    /// <summary>Whether the repository has a blob, in the registry itself: what is pushed goes there.</summary>
    /// <exception cref="ImageException">The registry cannot be asked, or refuses.</exception>
    public async Task<bool> HasBlobAsync(ImageReference reference, Digest digest, CancellationToken cancellationToken = default)
    {
        var request = Request(Upstream(reference), HttpMethod.Head, reference, $"blobs/{digest}", "look up the blob", $"{reference.Name}@{digest}");
        using var response = await _transport.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }

        await RequireAsync(response, request, HttpStatusCode.OK, cancellationToken).ConfigureAwait(false);
        return true;
    }

    private async Task<HttpResponseMessage> AskForBlobAsync(RegistryRequest request, CancellationToken cancellationToken)
    {
        var response = await _transport.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.OK || (request.From > 0 && response.StatusCode is HttpStatusCode.PartialContent or HttpStatusCode.RequestedRangeNotSatisfiable))
        {
            return response;
        }

        using (response)
        {
            throw await RefusalAsync(response, request, cancellationToken).ConfigureAwait(false);
        }
    }
}
