using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Containers.Registries;

/// <summary>Answers the challenges of hosts, and keeps what they accepted: a token for each scope until it expires.</summary>
internal sealed class Authenticator(RegistryOptions options, Func<Uri, HttpClient> clients)
{
    // What a token server that says nothing means (distribution's token specification), and how much earlier a token is renewed.
    private const int DefaultLifetime = 60;
    private const int Margin = 5;

    private const int MaxAnswer = 1024 * 1024;
    private const int MaxToken = 64 * 1024;

    private readonly Lazy<IRegistryCredentialProvider> _provider = new(() => options.CredentialProvider ?? DockerCredentials.OfThisUser());
    private readonly ConcurrentDictionary<(string Endpoint, string Scope), (AuthenticationHeaderValue Header, DateTimeOffset Until)> _accepted = new();

    /// <summary>The credential for a host, and for no other: the one given for this call, else the options' own, else the provider's.</summary>
    public ValueTask<RegistryCredential?> FindAsync(RegistryEndpoint endpoint, CancellationToken cancellationToken) => (options.GivenFor(endpoint.Name) ?? endpoint.Options.Credential) is { } known
        ? new(known)
        : _provider.Value.GetAsync(endpoint.Name, cancellationToken);

    /// <summary>What the host accepted before for this scope; null where it has not, or not for long enough.</summary>
    public AuthenticationHeaderValue? Recall(RegistryEndpoint endpoint, string scope) =>
        _accepted.TryGetValue((endpoint.Name, scope), out var kept) && kept.Until > DateTimeOffset.UtcNow ? kept.Header : null;

    /// <summary>What to show for a challenge; null where there is nothing to show.</summary>
    /// <exception cref="ImageException">The token server may not be asked, or refuses.</exception>
    public async Task<AuthenticationHeaderValue?> AnswerAsync(RegistryEndpoint endpoint, Challenge challenge, string scope, CancellationToken cancellationToken)
    {
        var credential = await FindAsync(endpoint, cancellationToken).ConfigureAwait(false);
        if (!challenge.IsBearer)
        {
            if (credential?.UserName is null)
            {
                return null;
            }

            var basic = Basic(credential);
            _accepted[(endpoint.Name, scope)] = (basic, DateTimeOffset.MaxValue);
            return basic;
        }

        await TokenRealm.RequireAllowedAsync(challenge.Realm!, endpoint, options, cancellationToken).ConfigureAwait(false);
        var answer = await AskAsync(endpoint, challenge, scope, credential, cancellationToken).ConfigureAwait(false);
        var token = answer.Token ?? answer.AccessToken;
        if (token is null or { Length: > MaxToken } || token.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            throw new ImageException("log in to", endpoint.Name, "Its token server gave no token.");
        }

        var bearer = new AuthenticationHeaderValue("Bearer", token);
        _accepted[(endpoint.Name, scope)] = (bearer, DateTimeOffset.UtcNow.AddSeconds(Math.Clamp(answer.ExpiresIn ?? DefaultLifetime, 0, 86_400) - Margin));
        return bearer;
    }

    private static AuthenticationHeaderValue Basic(RegistryCredential credential) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{credential.UserName}:{credential.Password}")));

    private async Task<TokenAnswer> AskAsync(
        RegistryEndpoint endpoint, Challenge challenge, string scope, RegistryCredential? credential, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.ResponseTimeout);
        try
        {
            using var request = Request(challenge, scope, credential);
            using var response = await clients(challenge.Realm!).SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token).ConfigureAwait(false);

            // No redirect is followed: it would carry the credential along.
            if (response.StatusCode != HttpStatusCode.OK)
            {
                throw await RegistryErrors.ReadAsync(response, "log in to", endpoint.Name, credential, limit.Token).ConfigureAwait(false);
            }

            var body = await BoundedBody.TryReadAsync(response.Content, MaxAnswer, limit.Token).ConfigureAwait(false)
                ?? throw new ImageException("log in to", endpoint.Name, $"Its token server answers with more than {MaxAnswer} bytes.");
            return JsonSerializer.Deserialize(body, RegistryJson.Default.TokenAnswer) ?? new TokenAnswer();
        }
        catch (JsonException)
        {
            // Without the cause, which may quote the token.
            throw new ImageException("log in to", endpoint.Name, "What its token server answers is no token.");
        }
        catch (OperationCanceledException late) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ImageException("log in to", endpoint.Name, $"Its token server did not answer within {options.ResponseTimeout.TotalSeconds:0} s.", late);
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException)
        {
            throw new ImageException("log in to", endpoint.Name, $"Its token server {Redaction.Of(challenge.Realm!)} could not be asked: {broken.Message}", broken);
        }
    }

    private HttpRequestMessage Request(Challenge challenge, string scope, RegistryCredential? credential)
    {
        List<KeyValuePair<string, string>> values = [.. scope.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(one => KeyValuePair.Create("scope", one))];
        if (challenge.Service is { } service)
        {
            values.Add(KeyValuePair.Create("service", service));
        }

        HttpRequestMessage request;
        if (credential?.IdentityToken is { } identity)
        {
            // OAuth 2 takes one scope, with spaces in it.
            values = [KeyValuePair.Create("grant_type", "refresh_token"), KeyValuePair.Create("refresh_token", identity),
                KeyValuePair.Create("client_id", "containers-net"), KeyValuePair.Create("scope", scope), .. values.Where(static value => value.Key != "scope")];
            request = new HttpRequestMessage(HttpMethod.Post, challenge.Realm) { Content = new FormUrlEncodedContent(values) };
        }
        else
        {
            var query = string.Join('&', values.Select(static value => $"{value.Key}={Uri.EscapeDataString(value.Value)}"));
            var realm = new UriBuilder(challenge.Realm!);
            realm.Query = realm.Query.Length > 1 ? realm.Query[1..] + "&" + query : query;
            request = new HttpRequestMessage(HttpMethod.Get, realm.Uri);
            request.Headers.Authorization = credential is null ? null : Basic(credential);
        }

        request.Headers.TryAddWithoutValidation("User-Agent", options.UserAgent);
        return request;
    }
}
