using System.Diagnostics;
using Containers.Registries;

namespace Containers.Tests.Registries;

[Trait("Category", "Rootless")]
public sealed class DockerCredentialsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("containers-credentials-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("""{"auths":{"r.example":{"auth":"YWxpY2U6cGE6c3M="}}}""", "r.example", "alice", "pa:ss")]
    [InlineData("""{"auths":{"https://R.example/v2/":{"username":"bob","password":"pw"}}}""", "r.example", "bob", "pw")]
    [InlineData("""{"auths":{"https://index.docker.io/v1/":{"auth":"YWxpY2U6cGE6c3M="}}}""", "docker.io", "alice", "pa:ss")]
    [InlineData("""{"auths":{"r.example:5000":{"auth":"YWxpY2U6cGE6c3M="}}}""", "r.example", null, null)]
    [InlineData("""{"auths":{"r.example":{}},"other":1}""", "r.example", null, null)]
    [InlineData("""{"auths":{"evil-r.example":{"auth":"YWxpY2U6cGE6c3M="}}}""", "r.example", null, null)]
    [InlineData("{}", "r.example", null, null)]
    public async Task StoredCredential_IsForItsHostAlone(string configuration, string registry, string? user, string? password)
    {
        var credential = await Credentials(configuration).GetAsync(registry, TestContext.Current.CancellationToken);
        Assert.Equal((user, password), (credential?.UserName, credential?.Password));
        Assert.DoesNotContain(password ?? "pa:ss", credential?.ToString() ?? string.Empty, StringComparison.Ordinal);
    }

    [Fact]
    public async Task IdentityToken_IsRead() => Assert.Equal("tok",
        (await Credentials("""{"auths":{"r.example":{"auth":"PHRva2VuPjo=","identitytoken":"tok"}}}""").GetAsync("r.example", TestContext.Current.CancellationToken))!.IdentityToken);

    [Theory]
    [InlineData("""{"auths":{"r.example":{"auth":"secret-that-is-not-base64!"}}}""")]
    [InlineData("""{"auths":{"r.example":{"auth":"secret-that""")]
    public async Task MalformedFile_IsRefused_WithoutQuotingIt(string configuration)
    {
        var refused = await Assert.ThrowsAsync<ImageException>(async () => await Credentials(configuration).GetAsync("r.example", TestContext.Current.CancellationToken));
        Assert.DoesNotContain("secret", refused.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Helper_IsAskedByItsProtocol()
    {
        Install("mine", """test "$1" = get || exit 3; read -r registry; printf '{"ServerURL":"%s","Username":"u","Secret":"for %s"}' "$registry" "$registry" """);
        Install("none", "cat >/dev/null; echo 'credentials not found in native keychain'; exit 1");
        Install("tokens", """cat >/dev/null; echo '{"Username":"<token>","Secret":"tok"}'""");
        var credentials = Credentials("""{"credsStore":"none","credHelpers":{"r.example":"mine","t.example":"tokens"},"auths":{"s.example":{"auth":"YWxpY2U6cGE6c3M="}}}""");
        var mine = await credentials.GetAsync("r.example", TestContext.Current.CancellationToken);
        Assert.Equal(("u", "for r.example"), (mine!.UserName, mine.Password));
        Assert.Contains("docker-credential-mine", mine.ToString(), StringComparison.Ordinal);
        Assert.Equal("tok", (await credentials.GetAsync("t.example", TestContext.Current.CancellationToken))!.IdentityToken);
        Assert.Equal("alice", (await credentials.GetAsync("s.example", TestContext.Current.CancellationToken))!.UserName);
    }

    [Theory]
    [InlineData("../../bin/sh")]
    [InlineData("UPPER")]
    [InlineData("a b")]
    [InlineData("missing")]
    public async Task Helper_OfABadName_IsNotRun(string name) => await Assert.ThrowsAsync<ImageException>(
        async () => await Credentials($$"""{"credsStore":"{{name}}"}""").GetAsync("r.example", TestContext.Current.CancellationToken));

    [Theory]
    [InlineData("yes secret-word", "wrote more than")]
    [InlineData("exec sleep 1000", "did not end within")]
    [InlineData("exec >&-; exec sleep 1000", "did not end within")]
    [InlineData("echo secret-word", "no credential")]
    [InlineData("echo secret-word; exit 5", "It failed")]
    public async Task Helper_ThatMisbehaves_IsEnded(string script, string reason)
    {
        Install("bad", script);
        var started = Stopwatch.GetTimestamp();
        var refused = await Assert.ThrowsAsync<ImageException>(async () => await Credentials("""{"credsStore":"bad"}""").GetAsync("r.example", TestContext.Current.CancellationToken));
        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(60));
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-word", refused.ToString(), StringComparison.Ordinal);
    }

    private void Install(string name, string script)
    {
        var path = Path.Combine(_folder, "docker-credential-" + name);
        File.WriteAllText(path, "#!/bin/sh\n" + script + "\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);
    }

    private DockerCredentials Credentials(string configuration)
    {
        var file = Path.Combine(_folder, "config.json");
        File.WriteAllText(file, configuration);
        return new DockerCredentials([Path.Combine(_folder, "absent.json"), file], new CredentialHelper([_folder], ["PATH=/usr/bin:/bin"], TimeSpan.FromSeconds(3)));
    }
}
