using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;

namespace Containers.Registries;

/// <summary>Makes requests: with credentials where they belong, along redirects, and again after failures that pass.</summary>
internal sealed class RegistryTransport : IDisposable
{
    private const int MaxRedirects = 10;

    private readonly RegistryOptions _options;
    private readonly HttpClients _clients;

    public RegistryTransport(RegistryOptions options)
    {
        _options = options;
        _clients = new HttpClients(options);
        Authenticator = new Authenticator(options, _clients.For);
    }

    public Authenticator Authenticator { get; }

    public void Dispose() => _clients.Dispose();

    /// <summary>The answer, whatever its status, when its headers are there. The caller disposes it.</summary>
    /// <exception cref="ImageException">No answer could be had, or it leads where we do not go.</exception>
    public async Task<HttpResponseMessage> SendAsync(RegistryRequest request, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            var mayRepeat = request.IsRepeatable && attempt < _options.MaxRetries;
            TimeSpan? asked;
            try
            {
                var response = await AuthenticateAsync(request, cancellationToken).ConfigureAwait(false);
                if (!mayRepeat || !IsPassing(response.StatusCode))
                {
                    return response;
                }

                asked = response.Headers.RetryAfter?.Delta ?? (response.Headers.RetryAfter?.Date - DateTimeOffset.UtcNow);
                response.Dispose();
            }
            catch (OperationCanceledException late) when (!cancellationToken.IsCancellationRequested)
            {
                if (!mayRepeat)
                {
                    throw new ImageException(request.Step, request.Subject, $"{request.Endpoint.Name} did not answer within {Limit(request).TotalSeconds:0} s.", late);
                }

                asked = null;
            }
            catch (Exception broken) when (broken is HttpRequestException or IOException)
            {
                if (!mayRepeat || broken.InnerException is AuthenticationException || broken is HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded or HttpRequestError.InvalidResponse })
                {
                    throw Failed(request, broken);
                }

                asked = null;
            }

            await Task.Delay(Backoff.Delay(_options, attempt, asked), cancellationToken).ConfigureAwait(false);
        }
    }

    internal static ImageException Failed(RegistryRequest request, Exception broken) => new(request.Step, request.Subject, broken.InnerException is AuthenticationException untrusted
        ? $"The certificate of {request.Endpoint.Name} is not trusted ({untrusted.Message}). Add its authority to RegistryHostOptions.CertificateAuthorities."
        : $"{request.Endpoint.Name} cannot be reached: {broken.Message}", broken);

    private static bool IsPassing(HttpStatusCode status) => status is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout
        or HttpStatusCode.InternalServerError or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout;

    private static bool IsRedirect(HttpStatusCode status) => (int)status is 301 or 302 or 303 or 307 or 308;

    private async Task<HttpResponseMessage> AuthenticateAsync(RegistryRequest request, CancellationToken cancellationToken)
    {
        var (response, isOrigin) = await FollowAsync(request, Authenticator.Recall(request.Endpoint, request.Scope), cancellationToken).ConfigureAwait(false);

        // A host that we were redirected to gets no credential, so its challenge is not answered (CVE-2020-15157).
        if (response.StatusCode != HttpStatusCode.Unauthorized || !isOrigin || Challenge.From(response.Headers) is not { } challenge)
        {
            return response;
        }

        try
        {
            if (await Authenticator.AnswerAsync(request.Endpoint, challenge, request.Scope, cancellationToken).ConfigureAwait(false) is not { } answer)
            {
                return response;
            }

            response.Dispose();
            return (await FollowAsync(request, answer, cancellationToken).ConfigureAwait(false)).Response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private async Task<(HttpResponseMessage Response, bool IsOrigin)> FollowAsync(
        RegistryRequest request, AuthenticationHeaderValue? authorization, CancellationToken cancellationToken)
    {
        var address = request.Address;
        for (var hops = 0; ; hops++)
        {
            var isOrigin = request.Endpoint.IsOrigin(address);
            var response = await SendOnceAsync(request, address, isOrigin ? authorization : null, cancellationToken).ConfigureAwait(false);
            if (!IsRedirect(response.StatusCode) || response.Headers.Location is not { } location)
            {
                return (response, isOrigin);
            }

            response.Dispose();
            if (hops == MaxRedirects)
            {
                throw Refuse($"leads through more than {MaxRedirects} redirects");
            }

            // Only these two repeat a request with its body; the others would turn it into another.
            if (request.Method != HttpMethod.Get && request.Method != HttpMethod.Head && (int)response.StatusCode is not (307 or 308))
            {
                throw Refuse($"redirects with {(int)response.StatusCode}, which does not keep the request");
            }

            address = Next(request, address, location);
        }

        ImageException Refuse(string what) => new(request.Step, request.Subject, $"{request.Endpoint.Name} {what}.");
    }

    /// <summary>Where a redirect or a Location leads, if it may be gone to.</summary>
    internal Uri Next(RegistryRequest request, Uri from, Uri location)
    {
        Uri address;
        try
        {
            address = new Uri(from, location);
        }
        catch (UriFormatException malformed)
        {
            throw new ImageException(request.Step, request.Subject, $"{request.Endpoint.Name} leads to no address.", malformed);
        }

        // Never from https to http; and where the registry is spoken to over http, elsewhere only to hosts that may be as well.
        var isPlain = address.Scheme == Uri.UriSchemeHttp && from.Scheme == Uri.UriSchemeHttp
            && (request.Endpoint.IsOrigin(address) || RegistryEndpoint.IsLoopback(address) || _options.Host(address.Authority).AllowHttp);
        return address.Scheme == Uri.UriSchemeHttps || isPlain
            ? address
            : throw new ImageException(request.Step, request.Subject, $"{request.Endpoint.Name} leads to {Redaction.Of(address)}, which is not reached by https.");
    }

    private TimeSpan Limit(RegistryRequest request)
    {
        var bytesASecond = Math.Max(1, _options.MinimumProgress / Math.Max(0.001, _options.IdleTimeout.TotalSeconds));
        return _options.ResponseTimeout + TimeSpan.FromSeconds(Math.Min(request.ContentLength / bytesASecond, 86_400));
    }

    private async Task<HttpResponseMessage> SendOnceAsync(RegistryRequest request, Uri address, AuthenticationHeaderValue? authorization, CancellationToken cancellationToken)
    {
        using var message = new HttpRequestMessage(request.Method, address) { Content = request.Content?.Invoke() };
        message.Headers.TryAddWithoutValidation("User-Agent", _options.UserAgent);
        message.Headers.Authorization = authorization;
        foreach (var type in request.Accept)
        {
            message.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(type));
        }

        if (request.From > 0)
        {
            message.Headers.Range = new RangeHeaderValue(request.From, null);
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit(request));
        var response = await _clients.For(address).SendAsync(message, HttpCompletionOption.ResponseHeadersRead, limit.Token).ConfigureAwait(false);
        if (response.RequestMessage?.RequestUri is { } answered && answered != address)
        {
            response.Dispose();
            throw new ImageException(request.Step, request.Subject,
                "The client of RegistryOptions.HttpClientFactory follows redirects by itself, past what must be checked. Set AllowAutoRedirect of its handler to false.");
        }

        return response;
    }
}
