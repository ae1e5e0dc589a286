using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Containers.Tests.Fixtures;

/// <summary>An HTTP server in this process that answers as a test wants, badly too, and remembers what it was asked.</summary>
internal sealed class LoopbackServer : IAsyncDisposable
{
    private readonly WebApplication _application;

    private LoopbackServer(WebApplication application) => _application = application;

    public string Host { get; private set; } = string.Empty;

    public string Address => $"http://{Host}";

    /// <summary>Method, path with query, and what Authorization there was.</summary>
    public ConcurrentQueue<(string Method, string Path, string? Authorization)> Requests { get; } = new();

    public static async Task<LoopbackServer> StartAsync(RequestDelegate answer, System.Security.Cryptography.X509Certificates.X509Certificate2? certificate = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.ListenLocalhostEphemeral(certificate);
        });
        var application = builder.Build();
        var server = new LoopbackServer(application);
        application.Run(context =>
        {
            var authorization = context.Request.Headers.Authorization.ToString();
            server.Requests.Enqueue((context.Request.Method, context.Request.Path + context.Request.QueryString, authorization.Length == 0 ? null : authorization));
            return answer(context);
        });
        await application.StartAsync();
        var address = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        server.Host = new Uri(address).Authority;
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        // Connections that a test left open do not hold it up.
        using var atOnce = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await _application.StopAsync(atOnce.Token);
        await _application.DisposeAsync();
    }
}

file static class KestrelExtensions
{
    public static void ListenLocalhostEphemeral(this Microsoft.AspNetCore.Server.Kestrel.Core.KestrelServerOptions kestrel, System.Security.Cryptography.X509Certificates.X509Certificate2? certificate) =>
        kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen =>
        {
            if (certificate is not null)
            {
                listen.UseHttps(certificate);
            }
        });
}
