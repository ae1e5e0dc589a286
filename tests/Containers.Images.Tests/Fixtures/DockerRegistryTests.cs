using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Containers.Tests.Fixtures;

[Trait("Category", "Rootless")]
public sealed class DockerRegistryTests
{
    [Fact]
    public async Task Registry_IsOpen_AndGoneAfterwards()
    {
        Assert.SkipUnless(DockerRegistry.IsInstalled, DockerRegistry.Missing);
        using var client = new HttpClient();
        Uri address;
        await using (var registry = await DockerRegistry.StartAsync(cancellationToken: TestContext.Current.CancellationToken))
        {
            address = new Uri(registry.Address, "v2/");
            using var answer = await client.GetAsync(address);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(address));
    }

    [Fact]
    public async Task Registry_WithPassword_AsksForIt()
    {
        Assert.SkipUnless(DockerRegistry.IsInstalled, DockerRegistry.Missing);
        await using var registry = await DockerRegistry.StartAsync(withPassword: true, TestContext.Current.CancellationToken);
        using var client = new HttpClient { BaseAddress = registry.Address };
        using var refused = await client.GetAsync(new Uri("v2/", UriKind.Relative));
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);

        var pair = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{DockerRegistry.User}:{DockerRegistry.Password}"));
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", pair);
        using var answer = await client.GetAsync(new Uri("v2/", UriKind.Relative));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }
}
