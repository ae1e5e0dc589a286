using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Containers.Oci;
using Containers.Registries;
using Containers.Tests.Fixtures;
using Microsoft.AspNetCore.Http;

namespace Containers.Tests.Registries;

/// <summary>Against servers that do what no registry should.</summary>
[Trait("Category", "Rootless")]
public sealed class HostileRegistryTests
{
    private const string Secret = "s3cret-of-alice";

    private static readonly byte[] Blob = RandomNumberGenerator.GetBytes(1_000_000);
    private static readonly byte[] Manifest = Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.Manifest}}","config":{"mediaType":"{{MediaTypes.Configuration}}","digest":"{{Digest.Of([])}}","size":0},"layers":[]}""");

    private int _asked;

    [Fact]
    public async Task Redirect_ToAnotherHost_GetsNoCredential()
    {
        await using var other = await LoopbackServer.StartAsync(context => context.Response.Body.WriteAsync(Blob).AsTask());
        await using var registry = await LoopbackServer.StartAsync(context => Protected(context, () => Redirect(context, other.Address + "/storage?signature=abc")));
        using var client = Client(registry);
        Assert.Equal(Blob, await client.GetBlobAsync(Reference(registry), Describe(Blob)));
        Assert.Null(Assert.Single(other.Requests).Authorization);
        Assert.Contains(registry.Requests, request => request.Authorization is not null);
    }

    [Fact]
    public async Task Challenge_OfAnotherHost_IsNotAnswered()
    {
        await using var other = await LoopbackServer.StartAsync(context => Challenge(context, $"Basic realm=\"x\""));
        await using var registry = await LoopbackServer.StartAsync(context => Protected(context, () => Redirect(context, other.Address + "/storage")));
        using var client = Client(registry);
        await Assert.ThrowsAsync<ImageException>(() => client.GetBlobAsync(Reference(registry), Describe(Blob)));
        Assert.All(other.Requests, request => Assert.Null(request.Authorization));
    }

    [Theory]
    [InlineData("OTHER/token")]
    [InlineData("http://169.254.169.254/latest/meta-data")]
    [InlineData("https://attacker.example/token")]
    [InlineData("file:///etc/passwd")]
    [InlineData("SELF@/token")]
    public async Task TokenServer_ThatIsNotTheRegistrys_IsNotAsked(string realm)
    {
        await using var other = await LoopbackServer.StartAsync(context => context.Response.WriteAsync("""{"token":"x"}"""));
        await using var registry = await LoopbackServer.StartAsync(context => Challenge(context,
            $"Bearer realm=\"{realm.Replace("OTHER", other.Address, StringComparison.Ordinal).Replace("SELF@", $"http://a:b@{context.Request.Host}", StringComparison.Ordinal)}\",service=\"s\""));
        using var client = Client(registry);
        var refused = await Assert.ThrowsAsync<ImageException>(() => client.GetManifestAsync(Reference(registry)));
        Assert.Contains("token server", refused.Message, StringComparison.Ordinal);
        Assert.Empty(other.Requests);
        NoSecret(refused);
    }

    [Fact]
    public async Task Token_IsFetchedOnce_AndAgainWhenItExpires()
    {
        var tokens = 0;
        var refuse = false;
        await using var registry = await LoopbackServer.StartAsync(async context =>
        {
            if (context.Request.Path == "/token")
            {
                Assert.Equal("repository:team/app:pull", context.Request.Query["scope"]);
                Assert.Equal("the service", context.Request.Query["service"]);
                await context.Response.WriteAsync($$"""{"token":"token-{{Interlocked.Increment(ref tokens)}}","expires_in":300}""");
            }
            else if (context.Request.Headers.Authorization != $"Bearer token-{tokens}" || refuse)
            {
                refuse = false;
                await Challenge(context, $"Bearer realm=\"http://{context.Request.Host}/token\",service=\"the service\",scope=\"repository:other:push\"");
            }
            else
            {
                await SendManifest(context);
            }
        });
        using var client = Client(registry);
        await client.GetManifestAsync(Reference(registry));
        await client.GetManifestAsync(Reference(registry));
        Assert.Equal(1, tokens);
        refuse = true;
        await client.GetManifestAsync(Reference(registry));
        Assert.Equal(2, tokens);
        Assert.All(registry.Requests.Where(request => request.Path.StartsWith("/v2/", StringComparison.Ordinal)), request => Assert.False(request.Authorization?.StartsWith("Basic", StringComparison.Ordinal) ?? false));
    }

    [Fact]
    public async Task TokenServer_ThatRedirects_IsNotFollowed()
    {
        await using var other = await LoopbackServer.StartAsync(context => context.Response.WriteAsync("""{"token":"x"}"""));
        await using var registry = await LoopbackServer.StartAsync(context => context.Request.Path == "/token"
            ? Redirect(context, other.Address + "/token") : Challenge(context, $"Bearer realm=\"http://{context.Request.Host}/token\""));
        using var client = Client(registry);
        NoSecret(await Assert.ThrowsAsync<ImageException>(() => client.GetManifestAsync(Reference(registry))));
        Assert.Empty(other.Requests);
    }

    [Fact]
    public async Task Redirects_HaveAnEnd()
    {
        await using var registry = await LoopbackServer.StartAsync(context => Redirect(context, $"/again{context.Request.Path}"));
        using var client = Client(registry);
        await Assert.ThrowsAsync<ImageException>(() => client.GetManifestAsync(Reference(registry)));
        Assert.Equal(11, registry.Requests.Count);
    }

    [Theory]
    [InlineData("http://example.invalid/x")]
    [InlineData("ftp://127.0.0.1/x")]
    [InlineData("file:///etc/passwd")]
    public async Task Redirect_ToWhatIsNotHttps_IsRefused(string location)
    {
        await using var registry = await LoopbackServer.StartAsync(context => Redirect(context, location));
        using var client = Client(registry);
        Assert.Contains("not reached by https", (await Assert.ThrowsAsync<ImageException>(() => client.GetManifestAsync(Reference(registry)))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/v2/team/app/manifests/1", false)]
    [InlineData("/v2/team/app/manifests/1", true)]
    [InlineData("/token", false)]
    [InlineData("/error", false)]
    public async Task EndlessBodies_AreCutOff(string endless, bool announced)
    {
        await using var registry = await LoopbackServer.StartAsync(async context =>
        {
            if (context.Request.Path != endless && endless == "/token")
            {
                await Challenge(context, $"Bearer realm=\"http://{context.Request.Host}/token\"");
                return;
            }

            context.Response.StatusCode = endless == "/error" ? 404 : 200;
            context.Response.ContentLength = announced ? long.MaxValue : null;
            var block = new byte[64 * 1024];
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.Body.WriteAsync(block, context.RequestAborted);
            }
        });
        using var client = Client(registry);
        var before = GC.GetTotalAllocatedBytes();
        await Assert.ThrowsAsync<ImageException>(() => client.GetManifestAsync(Reference(registry)));
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 200_000_000);
    }

    [Fact]
    public async Task HeaderBomb_IsRefused()
    {
        await using var registry = await LoopbackServer.StartAsync(context =>
        {
            for (var i = 0; i < 200; i++)
            {
                context.Response.Headers[$"X-{i}"] = new string('x', 1000);
            }

            return SendManifest(context);
        });
        using var client = Client(registry);
        await Assert.ThrowsAsync<ImageException>(() => client.GetManifestAsync(Reference(registry)));
    }

    [Fact]
    public async Task Blob_GoesOnAfterResets()
    {
        await using var registry = await LoopbackServer.StartAsync(async context =>
        {
            var from = Offset(context);
            context.Response.StatusCode = from > 0 ? 206 : 200;
            context.Response.Headers.ContentRange = from > 0 ? $"bytes {from}-{Blob.Length - 1}/{Blob.Length}" : default;
            context.Response.ContentLength = Blob.Length - from;
            await context.Response.Body.WriteAsync(Blob.AsMemory(from, Math.Min(300_000, Blob.Length - from)));
            await context.Response.Body.FlushAsync();
            if (from + 300_000 < Blob.Length)
            {
                context.Abort();
            }
        });
        using var client = Client(registry);
        Assert.Equal(Blob, await client.GetBlobAsync(Reference(registry), Describe(Blob)));
        Assert.True(registry.Requests.Count >= 4);
    }

    [Theory]
    [InlineData("whole")]
    [InlineData("elsewhere")]
    [InlineData("refused")]
    public async Task Blob_WhoseRangeIsNotHonoured_IsReadFromTheStart(string how)
    {
        await using var registry = await LoopbackServer.StartAsync(async context =>
        {
            var from = Offset(context);
            if (from > 0 && how == "refused")
            {
                context.Response.StatusCode = 416;
                return;
            }

            if (from > 0 && how == "elsewhere")
            {
                context.Response.StatusCode = 206;
                context.Response.Headers.ContentRange = $"bytes 7-{Blob.Length - 1}/{Blob.Length}";
                await context.Response.Body.WriteAsync(Blob.AsMemory(7));
                return;
            }

            context.Response.ContentLength = Blob.Length;
            if (IsFirst(context))
            {
                await context.Response.Body.WriteAsync(Blob.AsMemory(0, 400_000));
                await context.Response.Body.FlushAsync();
                context.Abort();
                return;
            }

            await context.Response.Body.WriteAsync(Blob);
        });
        using var client = Client(registry);
        Assert.Equal(Blob, await client.GetBlobAsync(Reference(registry), Describe(Blob)));

        bool IsFirst(HttpContext context) => context.Request.Headers.Range.Count == 0 && Interlocked.Increment(ref _asked) == 1;
    }

    [Theory]
    [InlineData("flipped")]
    [InlineData("longer")]
    [InlineData("shorter")]
    public async Task Blob_ThatIsNotWhatItsDescriptorSays_IsRefusedBeforeItsEnd(string how)
    {
        var wrong = how switch
        {
            "flipped" => [.. Blob[..^1], (byte)(Blob[^1] ^ 1)],
            "longer" => [.. Blob, 0],
            _ => Blob[..^1],
        };
        await using var registry = await LoopbackServer.StartAsync(context => context.Response.Body.WriteAsync(wrong).AsTask());
        using var client = Client(registry);
        using var stream = client.OpenBlob(Reference(registry), Describe(Blob));
        using var copy = new MemoryStream();
        var refused = await Assert.ThrowsAsync<ImageException>(() => stream.CopyToAsync(copy));
        Assert.Contains(Digest.Of(Blob).ToString(), refused.Message, StringComparison.Ordinal);
        Assert.InRange(copy.Length, 0, Blob.Length);
    }

    [Fact]
    public async Task Blob_ThatDrips_IsGivenUp()
    {
        await using var registry = await LoopbackServer.StartAsync(async context =>
        {
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.Body.WriteAsync(new byte[1], context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
                await Task.Delay(20, context.RequestAborted);
            }
        });
        var options = Options(registry);
        (options.IdleTimeout, options.MaxRetries) = (TimeSpan.FromMilliseconds(300), 1);
        using var client = new RegistryClient(options);
        var refused = await Assert.ThrowsAsync<ImageException>(() => client.GetBlobAsync(Reference(registry), Describe(Blob))).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Contains("bytes came in", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_ThatIsSilent_IsGivenUp()
    {
        await using var registry = await LoopbackServer.StartAsync(async context => await Task.Delay(Timeout.Infinite, context.RequestAborted));
        var options = Options(registry);
        (options.ResponseTimeout, options.MaxRetries) = (TimeSpan.FromMilliseconds(300), 1);
        using var client = new RegistryClient(options);
        var refused = await Assert.ThrowsAsync<ImageException>(() => client.GetManifestAsync(Reference(registry))).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Contains("did not answer", refused.Message, StringComparison.Ordinal);
        Assert.Equal(2, registry.Requests.Count);
    }

    [Theory]
    [InlineData(429)]
    [InlineData(503)]
    public async Task PassingRefusals_AreTriedAgain_AndRetryAfterHasACap(int status)
    {
        var asked = 0;
        await using var registry = await LoopbackServer.StartAsync(context =>
        {
            if (Interlocked.Increment(ref asked) <= 2)
            {
                context.Response.StatusCode = status;
                context.Response.Headers.RetryAfter = "1000000000";
                return Task.CompletedTask;
            }

            return SendManifest(context);
        });
        using var client = Client(registry);
        Assert.Equal(Digest.Of(Manifest), (await client.GetManifestAsync(Reference(registry)).WaitAsync(TimeSpan.FromSeconds(30))).Digest);
        Assert.Equal(3, asked);
    }

    [Fact]
    public async Task TooManyRequests_SaysWhatToDo()
    {
        await using var registry = await LoopbackServer.StartAsync(context =>
        {
            context.Response.StatusCode = 429;
            return context.Response.WriteAsync("""{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}""");
        });
        using var client = Client(registry);
        var refused = await Assert.ThrowsAsync<ImageException>(() => client.GetManifestAsync(Reference(registry)));
        Assert.Contains("TOOMANYREQUESTS: slow down", refused.Message, StringComparison.Ordinal);
        Assert.Equal(3, registry.Requests.Count);
    }

    [Fact]
    public async Task DigestHeader_IsNotBelieved()
    {
        await using var registry = await LoopbackServer.StartAsync(context =>
        {
            context.Response.Headers["Docker-Content-Digest"] = Digest.Of(Blob).ToString();
            return SendManifest(context);
        });
        using var client = Client(registry);
        Assert.Equal(Digest.Of(Manifest), (await client.GetManifestAsync(Reference(registry))).Digest);
        await Assert.ThrowsAsync<ImageException>(() => client.GetManifestAsync(Reference(registry).Pinned(Digest.Of(Blob))));
    }

    [Fact]
    public async Task Mirror_GetsNoCredential_AndWrongContentOfItIsPassedOver()
    {
        await using var registry = await LoopbackServer.StartAsync(context => Protected(context, () =>
            context.Request.Path.Value!.Contains("blobs", StringComparison.Ordinal) ? context.Response.Body.WriteAsync(Blob).AsTask() : SendManifest(context)));
        await using var liar = await LoopbackServer.StartAsync(context => context.Request.Path.Value!.Contains("blobs", StringComparison.Ordinal)
            ? context.Response.Body.WriteAsync(new byte[Blob.Length]).AsTask()
            : Challenge(context, "Basic realm=\"give me\""));
        var options = Options(registry);
        options.Hosts[registry.Host].Mirrors.Add(liar.Host);
        using var client = new RegistryClient(options);
        Assert.Equal(Digest.Of(Manifest), (await client.GetManifestAsync(Reference(registry))).Digest);
        Assert.Equal(Blob, await client.GetBlobAsync(Reference(registry), Describe(Blob)));
        Assert.NotEmpty(liar.Requests);
        Assert.All(liar.Requests, request => Assert.Null(request.Authorization));
    }

    [Fact]
    public async Task Mirror_ThatHasIt_IsEnough()
    {
        await using var registry = await LoopbackServer.StartAsync(SendManifest);
        await using var mirror = await LoopbackServer.StartAsync(SendManifest);
        var options = Options(registry);
        options.Hosts[registry.Host].Mirrors.Add(mirror.Host);
        using var client = new RegistryClient(options);
        await client.GetManifestAsync(Reference(registry));
        Assert.Empty(registry.Requests);
    }

    [Fact]
    public async Task UploadLocation_OnAnotherHost_GetsNoCredential()
    {
        await using var storage = await LoopbackServer.StartAsync(context => Empty(context, 201));
        await using var registry = await LoopbackServer.StartAsync(context => Protected(context, () =>
        {
            context.Response.Headers.Location = storage.Address + "/upload?state=1";
            return Empty(context, context.Request.Method == "POST" ? 202 : 404);
        }));
        using var client = Client(registry);
        await client.PushBlobAsync(Reference(registry), Describe(Blob), () => new MemoryStream(Blob));
        var (method, path, authorization) = Assert.Single(storage.Requests);
        Assert.Equal(("PUT", $"/upload?state=1&digest={Uri.EscapeDataString(Digest.Of(Blob).ToString())}", null), (method, path, authorization));
    }

    [Fact]
    public async Task Upload_InOnePieceRefused_IsMadeInPieces_AndGoesOnAfterAReset()
    {
        var received = new MemoryStream();
        var broken = false;
        await using var registry = await LoopbackServer.StartAsync(async context =>
        {
            context.Response.Headers.Location = "/v2/team/app/blobs/uploads/1"; // relative
            switch (context.Request.Method)
            {
                case "POST":
                    await Empty(context, 202);
                    break;
                case "PATCH" when !broken:
                    broken = true;
                    var half = new byte[Blob.Length / 2];
                    await context.Request.Body.ReadExactlyAsync(half);
                    await received.WriteAsync(half);
                    context.Abort();
                    break;
                case "PATCH":
                    Assert.Equal($"{received.Length}-{Blob.Length - 1}", context.Request.Headers.ContentRange);
                    await context.Request.Body.CopyToAsync(received);
                    await Empty(context, 202);
                    break;
                case "GET":
                    context.Response.Headers.Range = $"0-{received.Length - 1}";
                    await Empty(context, 204);
                    break;
                case "PUT":
                    await Empty(context, context.Request.ContentLength > 0 ? 413 : received.Length == Blob.Length ? 201 : 400);
                    break;
                default:
                    await Empty(context, 404);
                    break;
            }
        });
        using var client = Client(registry);
        await client.PushBlobAsync(Reference(registry), Describe(Blob), () => new MemoryStream(Blob));
        Assert.Equal(Blob, received.ToArray());
    }

    [Theory]
    [InlineData("loop", "no end")]
    [InlineData("foreign", "another host")]
    public async Task TagList_DoesNotGoInCircles_NorElsewhere(string how, string reason)
    {
        await using var registry = await LoopbackServer.StartAsync(context =>
        {
            context.Response.Headers.Link = how == "loop" ? "</v2/team/app/tags/list?n=1000&last=a>; rel=\"next\"" : "<http://127.0.0.2:9/v2/x>; rel=\"next\"";
            return context.Response.WriteAsync("""{"name":"team/app","tags":["a","../x",null]}""");
        });
        using var client = Client(registry);
        var tags = new List<string>();
        var refused = await Assert.ThrowsAsync<ImageException>(async () =>
        {
            await foreach (var tag in client.ListTagsAsync(Reference(registry)))
            {
                tags.Add(tag);
            }
        });
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        Assert.All(tags, tag => Assert.Equal("a", tag));
    }

    [Fact]
    public async Task Certificate_OfAnUnknownAuthority_IsRefused_UnlessItIsNamed()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var certificate = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
        await using var registry = await LoopbackServer.StartAsync(SendManifest, certificate);

        var options = Options(registry);
        options.Hosts[registry.Host].CertificateAuthorities.Add(certificate);
        using var trusting = new RegistryClient(options);
        Assert.Equal(Digest.Of(Manifest), (await trusting.GetManifestAsync(Reference(registry))).Digest);

        var others = Options(registry);
        using var otherKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = new CertificateRequest("CN=other", otherKey, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        others.Hosts[registry.Host].CertificateAuthorities.Add(other);
        using var doubting = new RegistryClient(others);
        Assert.Contains("not trusted", (await Assert.ThrowsAsync<ImageException>(() => doubting.GetManifestAsync(Reference(registry)))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1:5000", "http")]
    [InlineData("127.9.9.9", "http")]
    [InlineData("localhost:80", "http")]
    [InlineData("[::1]:5000", "http")]
    [InlineData("10.0.0.1:5000", "https")]
    [InlineData("localhost.example.com", "https")]
    [InlineData("docker.io", "https")]
    public void PlainHttp_IsForThisMachineOnly(string host, string scheme)
    {
        Assert.Equal(scheme, RegistryEndpoint.For(host, new RegistryOptions()).Address.Scheme);
        Assert.Equal("http", RegistryEndpoint.For(host, new RegistryOptions { Hosts = { [host] = new RegistryHostOptions { AllowHttp = true } } }).Address.Scheme);
    }

    [Fact]
    public async Task OwnClient_ThatFollowsRedirects_IsFoundOut()
    {
        await using var registry = await LoopbackServer.StartAsync(context => context.Request.Path.Value!.Contains("manifests", StringComparison.Ordinal) ? Redirect(context, "/x") : SendManifest(context));
        using var own = new HttpClient();
        var options = Options(registry);
        options.HttpClientFactory = () => own;
        using var client = new RegistryClient(options);
        Assert.Contains("AllowAutoRedirect", (await Assert.ThrowsAsync<ImageException>(() => client.GetManifestAsync(Reference(registry)))).Message, StringComparison.Ordinal);
    }

    private static void NoSecret(Exception exception)
    {
        Assert.DoesNotContain(Secret, exception.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToBase64String(Encoding.UTF8.GetBytes("alice:" + Secret)), exception.ToString(), StringComparison.Ordinal);
    }

    private static RegistryOptions Options(LoopbackServer registry) => new()
    {
        RetryDelay = TimeSpan.FromMilliseconds(5),
        MaxRetryDelay = TimeSpan.FromMilliseconds(50),
        MaxRetries = 2,
        CredentialProvider = new DockerCredentials([], CredentialHelper.OfThisUser()),
        Hosts = { [registry.Host] = new RegistryHostOptions { Credential = new RegistryCredential("alice", Secret) } },
    };

    private static RegistryClient Client(LoopbackServer registry)
    {
        var options = Options(registry);
        return new RegistryClient(options);
    }

    private static ImageReference Reference(LoopbackServer registry) => ImageReference.Parse($"{registry.Host}/team/app:1");

    private static Descriptor Describe(byte[] blob) => RealRegistryTests.Describe(blob);

    private static int Offset(HttpContext context) => context.Request.Headers.Range.ToString() is { Length: > 7 } range ? int.Parse(range["bytes=".Length..^1]) : 0;

    private static Task SendManifest(HttpContext context)
    {
        context.Response.ContentType = MediaTypes.Manifest;
        return context.Response.Body.WriteAsync(Manifest).AsTask();
    }

    private static Task Protected(HttpContext context, Func<Task> answer) => context.Request.Headers.Authorization.Count > 0 ? answer() : Challenge(context, "Basic realm=\"tests\"");

    private static Task Challenge(HttpContext context, string challenge)
    {
        context.Response.StatusCode = 401;
        context.Response.Headers.WWWAuthenticate = challenge;
        return Task.CompletedTask;
    }

    private static Task Redirect(HttpContext context, string location)
    {
        context.Response.StatusCode = 307;
        context.Response.Headers.Location = location;
        return Task.CompletedTask;
    }

    private static Task Empty(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    }
}
