using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;

namespace Containers.Tests.Fixtures;

/// <summary>Stands before a registry, tells what it is asked for, and breaks connections where the registry does.</summary>
internal sealed class RegistryProxy : IAsyncDisposable
{
    private readonly HttpClient _client = new();
    private LoopbackServer _server = null!;

    public string Host => _server.Host;

    /// <summary>Blobs that were asked for, and from where on (the Range header).</summary>
    public ConcurrentQueue<(string Digest, string? Range)> Blobs { get; } = new();

    public static async Task<RegistryProxy> StartAsync(DockerRegistry registry)
    {
        var proxy = new RegistryProxy();
        proxy._server = await LoopbackServer.StartAsync(context => proxy.ForwardAsync(registry, context));
        return proxy;
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _client.Dispose();
    }

    private async Task ForwardAsync(DockerRegistry registry, HttpContext context)
    {
        var path = context.Request.Path.Value!;
        if (HttpMethods.IsGet(context.Request.Method) && path.Contains("/blobs/", StringComparison.Ordinal))
        {
            Blobs.Enqueue((path[(path.LastIndexOf('/') + 1)..], context.Request.Headers.Range.FirstOrDefault()));
        }

        using var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), new Uri(registry.Address, path + context.Request.QueryString));
        foreach (var name in (string[])["Accept", "Authorization", "Range"])
        {
            request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)context.Request.Headers[name]);
        }

        try
        {
            using var answer = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, context.RequestAborted);
            context.Response.StatusCode = (int)answer.StatusCode;
            foreach (var (name, values) in answer.Headers.Concat(answer.Content.Headers).Where(static header => header.Key is not "Transfer-Encoding"))
            {
                context.Response.Headers[name] = values.ToArray();
            }

            if (!HttpMethods.IsHead(context.Request.Method))
            {
                await answer.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
            }
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException)
        {
            if (context.Response.HasStarted)
            {
                context.Abort();
            }
            else
            {
                context.Response.StatusCode = StatusCodes.Status502BadGateway;
            }
        }
    }
}
