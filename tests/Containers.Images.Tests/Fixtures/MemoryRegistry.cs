using System.Collections.Concurrent;
using System.Globalization;
using Containers.Oci;
using Containers.Tests.Pulling;
using Microsoft.AspNetCore.Http;

namespace Containers.Tests.Fixtures;

/// <summary>A registry that gives what a test put into it, whether it is right or not, by digest and by tag; and counts what it is asked.</summary>
internal sealed class MemoryRegistry : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, byte[]> _content = new();
    private LoopbackServer _server = null!;

    public string Host => _server.Host;

    public string Reference => $"{Host}/app:1";

    public string this[string tag] => $"{Host}/app:{tag}";

    /// <summary>How often each blob was asked for.</summary>
    public ILookup<string, string> BlobRequests => _server.Requests
        .Where(static request => request.Method == "GET" && request.Path.Contains("/blobs/", StringComparison.Ordinal))
        .Select(static request => request.Path[(request.Path.LastIndexOf('/') + 1)..]).ToLookup(static digest => digest);

    public static async Task<MemoryRegistry> StartAsync(PulledImage? image = null)
    {
        var registry = new MemoryRegistry();
        registry._server = await LoopbackServer.StartAsync(registry.AnswerAsync);
        if (image is not null)
        {
            registry.Add(image);
        }

        return registry;
    }

    public void Add(PulledImage image, string tag = "1")
    {
        foreach (var content in (IEnumerable<byte[]>)[image.Manifest, image.Configuration, .. image.Blobs])
        {
            _content[Digest.Of(content).ToString()] = content;
        }

        _content[tag] = image.Manifest;
    }

    /// <summary>Gives this where that is asked for.</summary>
    public void Replace(byte[] expected, byte[] given) => _content[Digest.Of(expected).ToString()] = given;

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        if (!_content.TryGetValue(path[(path.LastIndexOf('/') + 1)..], out var content))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        var start = 0;
        if (context.Request.Headers.Range is [{ } range])
        {
            start = int.Parse(range["bytes=".Length..].Split('-')[0], CultureInfo.InvariantCulture);
            context.Response.StatusCode = StatusCodes.Status206PartialContent;
            context.Response.Headers.ContentRange = $"bytes {start}-{content.Length - 1}/{content.Length}";
        }

        context.Response.ContentType = path.Contains("/manifests/", StringComparison.Ordinal) ? MediaTypes.Manifest : "application/octet-stream";
        context.Response.ContentLength = content.Length - start;
        if (HttpMethods.IsGet(context.Request.Method))
        {
            await context.Response.Body.WriteAsync(content.AsMemory(start), context.RequestAborted);
        }
    }
}
