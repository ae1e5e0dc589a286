using System.Collections.Immutable;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Containers.Oci;
using Containers.References;

namespace Containers.Registries;

internal sealed partial class RegistryClient
{
    private const int MaxPages = 10_000;
    private const int PageSize = 1000;
    private const int MaxReferrerPages = 100;

    /// <summary>The tags of a repository, in the registry's order. What is no tag is passed over.</summary>
    /// <exception cref="ImageException">The registry refuses, cannot be reached, or lists without end.</exception>
    public async IAsyncEnumerable<string> ListTagsAsync(ImageReference reference, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var request = Request(Upstream(reference), HttpMethod.Get, reference, $"tags/list?n={PageSize}", "list the tags of", reference.Name);
        await foreach (var page in PagesAsync(request, MaxPages, cancellationToken).ConfigureAwait(false))
        {
            foreach (var tag in Parse(page, request, RegistryJson.Default.TagListAnswer)?.Tags ?? [])
            {
                if (tag is not null && ReferenceParser.IsTag(tag))
                {
                    yield return tag;
                }
            }
        }
    }

    /// <summary>The repositories of a registry, where it lists them.</summary>
    /// <param name="registry">The host as references name it.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <exception cref="ImageException">The registry refuses, cannot be reached, or lists without end.</exception>
    public async IAsyncEnumerable<string> ListRepositoriesAsync(string registry, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var endpoint = RegistryEndpoint.For(registry, _options);
        var request = new RegistryRequest
        {
            Endpoint = endpoint,
            Method = HttpMethod.Get,
            Address = new Uri(endpoint.Address, $"v2/_catalog?n={PageSize}"),
            Scope = "registry:catalog:*",
            Step = "list the repositories of",
            Subject = registry,
        };
        await foreach (var page in PagesAsync(request, MaxPages, cancellationToken).ConfigureAwait(false))
        {
            foreach (var repository in Parse(page, request, RegistryJson.Default.CatalogueAnswer)?.Repositories ?? [])
            {
                if (repository is not null && ImageReference.TryParse($"{registry}/{repository}", out _))
                {
                    yield return repository;
                }
            }
        }
    }

    /// <summary>What refers to a manifest as its subject: signatures, bills of materials. A registry without the API keeps it under a tag.</summary>
    /// <exception cref="ImageException">The registry refuses or cannot be reached, or its answer is no index.</exception>
    public async Task<ImmutableArray<Descriptor>> ListReferrersAsync(ImageReference reference, Digest digest, CancellationToken cancellationToken = default)
    {
        var subject = $"{reference.Name}@{digest}";
        var request = Request(Upstream(reference), HttpMethod.Get, reference, $"referrers/{digest}", "list the referrers of", subject) with { Accept = [MediaTypes.Index] };
        using (var probe = await _transport.SendAsync(request, cancellationToken).ConfigureAwait(false))
        {
            if (probe.StatusCode == HttpStatusCode.NotFound)
            {
                return await ListTaggedReferrersAsync(reference, digest, cancellationToken).ConfigureAwait(false);
            }
        }

        var found = ImmutableArray.CreateBuilder<Descriptor>();
        await foreach (var page in PagesAsync(request, MaxReferrerPages, cancellationToken).ConfigureAwait(false))
        {
            found.AddRange(ManifestReader.Read(page, subject).Index?.Manifests ?? throw new ImageException(request.Step, subject, "The registry's answer is no index."));
        }

        return found.ToImmutable();
    }

    private async Task<ImmutableArray<Descriptor>> ListTaggedReferrersAsync(ImageReference reference, Digest digest, CancellationToken cancellationToken)
    {
        // distribution-spec, referrers tag schema: 32 characters of the algorithm and 64 of the hash at most.
        var tag = $"{digest.Algorithm}-{digest.Hex[..64]}";
        var tagged = reference.Tagged(tag);
        return await ResolveAsync(tagged, cancellationToken).ConfigureAwait(false) is null
            ? []
            : (await GetManifestAsync(tagged, cancellationToken).ConfigureAwait(false)).Index?.Manifests ?? [];
    }

    private static T? Parse<T>(byte[] page, RegistryRequest request, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(page, type);
        }
        catch (JsonException malformed)
        {
            throw ManifestReader.Malformed(request.Step, request.Subject, malformed);
        }
    }

    /// <summary>Follows <c>Link: &lt;…&gt;; rel="next"</c> on the same host, never to where it has been, and not for ever.</summary>
    private async IAsyncEnumerable<byte[]> PagesAsync(RegistryRequest request, int maxPages, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var seen = new HashSet<Uri>();
        for (var next = request.Address; next is not null;)
        {
            if (!seen.Add(next) || seen.Count > maxPages)
            {
                throw new ImageException(request.Step, request.Subject, "The registry's list has no end.");
            }

            var page = request with { Address = next };
            using var response = await _transport.SendAsync(page, cancellationToken).ConfigureAwait(false);
            await RequireAsync(response, page, HttpStatusCode.OK, cancellationToken).ConfigureAwait(false);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(_options.ResponseTimeout);
            byte[]? bytes;
            try
            {
                bytes = await BoundedBody.TryReadAsync(response.Content, DocumentLimits.MaxDocument, limit.Token).ConfigureAwait(false);
            }
            catch (Exception broken) when (broken is HttpRequestException or IOException || (broken is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                throw RegistryTransport.Failed(page, broken);
            }

            yield return bytes ?? throw new ImageException(request.Step, request.Subject, $"A page has more than {DocumentLimits.MaxDocument} bytes.");
            next = NextPage(page, response);
        }
    }

    private static Uri? NextPage(RegistryRequest page, HttpResponseMessage response)
    {
        if (!response.Headers.TryGetValues("Link", out var links))
        {
            return null;
        }

        foreach (var link in links)
        {
            var (open, close) = (link.IndexOf('<', StringComparison.Ordinal), link.IndexOf('>', StringComparison.Ordinal));
            if (open >= 0 && close > open && link[close..].Contains("rel=\"next\"", StringComparison.OrdinalIgnoreCase)
                && Uri.TryCreate(page.Address, link[(open + 1)..close], out var next))
            {
                return page.Endpoint.IsOrigin(next)
                    ? next
                    : throw new ImageException(page.Step, page.Subject, $"The registry continues its list on another host, {Redaction.Of(next)}.");
            }
        }

        return null;
    }
}
