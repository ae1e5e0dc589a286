namespace Containers.Tests.Networks;

/// <summary>Networks of podman beside ours on one host.</summary>
public class PodmanTests
{
    private const string Get = "timeout 3 wget -qO- http://";

    [Fact]
    public async Task NetworksOfPodman_AndOursDoNotDisturbEachOther()
    {
        using var outside = Machine.Create();
        using var service = new TinyServer(outside.Space);
        using var directory = new TestDirectory();
        var podman = new Podman(directory.Path);
        podman.Run("network", "create", "beside");
        try
        {
            var theirs = podman.StartWeb("beside", "theirs");
            await using (var lab = new NetworkLab())
            {
                var ours = await lab.Networks.CreateAsync("beside", cancellationToken: Box.Token);
                await using var web = await lab.StartAsync(Box.Web("ours").WithNetwork("beside"));
                await using var client = await lab.StartAsync(Box.Sleeper.WithNetwork("beside"));
                Assert.DoesNotContain(podman.Run("network", "inspect", "beside"), ours.Subnet.ToString()!, StringComparison.Ordinal);

                Assert.Equal("ours\n", await Box.InAsync(client, Get + web.Networks[0].Address));
                Assert.Equal("ours\n", Host.Run("curl", "-s", "-m", "3", $"http://{web.Networks[0].Address}/"));
                Assert.Equal("theirs\n", Host.Run("curl", "-s", "-m", "3", $"http://{theirs}/"));
                Assert.Equal(TinyServer.Answer + outside.HostAddress, await Box.InAsync(client, service.GetFrom(outside.Address)));
                Assert.Equal(TinyServer.Answer + outside.HostAddress, podman.InWeb(service.GetFrom(outside.Address)));

                // Theirs to ours: refused by our rules, whatever podman's say.
                Assert.ThrowsAny<Exception>(() => podman.InWeb(Get + web.Networks[0].Address));
            }

            Assert.Equal("theirs\n", Host.Run("curl", "-s", "-m", "3", $"http://{theirs}/"));
            Assert.Equal(TinyServer.Answer + outside.HostAddress, podman.InWeb(service.GetFrom(outside.Address)));
        }
        finally
        {
            podman.Clear("beside");
        }
    }

    /// <summary>Podman with all it keeps in a test's directory.</summary>
    private sealed class Podman(string directory)
    {
        public string Run(params string[] arguments)
        {
            Assert.SkipUnless(File.Exists("/usr/sbin/runc") || File.Exists("/usr/bin/runc"), "runc is not installed");
            return Host.Run("podman", [
                "--root", directory + "/root", "--runroot", directory + "/run", "--tmpdir", directory + "/tmp", "--network-config-dir", directory + "/networks",
                "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none", "--runtime", "runc", .. arguments]);
        }

        /// <summary>Starts a web server; its address.</summary>
        public string StartWeb(string network, string text)
        {
            var root = directory + "/web";
            foreach (var name in (ReadOnlySpan<string>)["bin", "etc", "proc", "sys", "dev", "run", "tmp", "www"])
            {
                Directory.CreateDirectory(Path.Combine(root, name));
            }

            File.Copy("/bin/busybox", root + "/bin/busybox");
            foreach (var applet in (ReadOnlySpan<string>)["sh", "wget", "timeout", "httpd"])
            {
                File.CreateSymbolicLink($"{root}/bin/{applet}", "busybox");
            }

            File.WriteAllText(root + "/www/index.html", text + "\n");
            Run("run", "-d", "--name", "web", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--network", network, "--rootfs", root, "/bin/httpd", "-f", "-p", "80", "-h", "/www");
            return Run("inspect", "web", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}").Trim();
        }

        public string InWeb(string command) => Run("exec", "web", "/bin/sh", "-c", command);

        public void Clear(string network)
        {
            Run("rm", "-f", "-t", "0", "--ignore", "web");
            Run("network", "rm", "-f", network);
        }
    }
}
