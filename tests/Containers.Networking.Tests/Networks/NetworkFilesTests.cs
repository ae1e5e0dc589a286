using System.Net;
using Containers.Tests.Names;

namespace Containers.Tests.Networks;

/// <summary>/etc/hosts and /etc/resolv.conf follow the networks of a container that runs.</summary>
[Collection(WholeProcess.Name)]
public class NetworkFilesTests
{
    private const string Show = "cat /etc/hosts /etc/resolv.conf; stat -c %i:%a:%u:%g /etc/hosts /etc/resolv.conf";

    [Fact]
    public async Task ContainerWithoutANetwork_IsTheSameAgainAfterItHadOne()
    {
        await using var lab = new NetworkLab();
        var network = await lab.Networks.CreateAsync("later", new NetworkOptions { IPv6 = true }, Box.Token);
        await using var container = await lab.StartAsync(Box.Sleeper.WithHostname("box").WithDomainName("example.org"));
        var before = await Box.InAsync(container, Show);
        Assert.Contains("127.0.1.1\tbox.example.org box\n", before, StringComparison.Ordinal);

        var place = await lab.Networks.ConnectAsync("later", container, cancellationToken: Box.Token);
        var connected = await Box.InAsync(container, Show);
        Assert.Contains($"\n{place.Address}\tbox.example.org box\n{place.Address6}\tbox.example.org box\n", connected, StringComparison.Ordinal);
        Assert.Contains($"nameserver {network.Gateway}\n", connected, StringComparison.Ordinal);
        Assert.DoesNotContain("127.0.1.1", connected, StringComparison.Ordinal);
        Assert.Equal(before.Split('\n')[^3..], connected.Split('\n')[^3..]);

        await lab.Networks.DisconnectAsync("later", container, Box.Token);
        Assert.Equal(before, await Box.InAsync(container, Show));
    }

    [Fact]
    public async Task Container_ThatMovesAsksWhomItCanReach()
    {
        await using var lab = new NetworkLab();
        var one = await lab.Networks.CreateAsync("one", cancellationToken: Box.Token);
        var two = await lab.Networks.CreateAsync("two", cancellationToken: Box.Token);
        await using var web = await lab.StartAsync(Box.Web("two").WithName("web").WithNetwork("two"));
        await using var container = await lab.StartAsync(Box.Sleeper.WithNetwork("one").WithExtraHost("host", "host-gateway"));
        await lab.Networks.ConnectAsync("two", container, cancellationToken: Box.Token);
        var both = await Box.InAsync(container, Show);
        Assert.Contains($"{one.Gateway}\thost\n", both, StringComparison.Ordinal);
        Assert.Contains($"nameserver {one.Gateway}\n", both, StringComparison.Ordinal);
        Assert.All(container.Networks, place => Assert.Contains($"{place.Address}\t{container.Id[..12]}\n", both, StringComparison.Ordinal));
        Assert.Equal("two\n", await Box.InAsync(container, "timeout 5 wget -qO- http://web"));

        await lab.Networks.DisconnectAsync("one", container, Box.Token);
        var moved = await Box.InAsync(container, Show);
        Assert.Contains($"{two.Gateway}\thost\n", moved, StringComparison.Ordinal);
        Assert.Contains($"nameserver {two.Gateway}\n", moved, StringComparison.Ordinal);
        Assert.DoesNotContain(one.Gateway!.ToString(), moved, StringComparison.Ordinal);
        Assert.Equal("two\n", await Box.InAsync(container, "timeout 5 wget -qO- http://web"));
    }

    [Fact]
    public async Task Names_AreFoundByEveryLibraryInAContainerThatIsConnectedLater()
    {
        await using var lab = new NetworkLab();
        using var programs = new TestDirectory();
        var musl = MuslLookup.Compile(programs.Path);
        await lab.Networks.CreateAsync("later", cancellationToken: Box.Token);
        await using var web = await lab.StartAsync(Box.Web("found").WithName("web").WithNetwork("later", aliases: ["www"]));
        await using var container = await lab.StartAsync(ContainerBuilder.FromHost().WithCommand("sleep", "600").WithMount(Mount.Bind(programs.Path, "/programs")));
        Assert.False(await Box.SucceedsInAsync(container, "getent hosts web"));
        Assert.False(await Box.SucceedsInAsync(container, $"/programs/{Path.GetFileName(musl)} u web"));

        await lab.Networks.ConnectAsync("later", container, cancellationToken: Box.Token);
        var address = web.Networks[0].Address.ToString();
        foreach (var name in new[] { "web", "www", "web.later" })
        {
            Assert.StartsWith(address, await Box.InAsync(container, $"getent hosts {name}"), StringComparison.Ordinal);
            Assert.Equal(address, (await Box.InAsync(container, $"/programs/{Path.GetFileName(musl)} u {name}")).Trim());
        }

        Assert.Equal("found\n", await Box.InAsync(container, "curl -s -m 5 http://www/"));

        // And it is found, also by itself.
        Assert.True(await Box.SucceedsInAsync(web, $"nslookup {container.Id[..12]}"));
        Assert.StartsWith(container.Networks[0].Address.ToString(), await Box.InAsync(container, "getent hosts $(hostname)"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lines_OfOthersStay()
    {
        await using var lab = new NetworkLab();
        var network = await lab.Networks.CreateAsync("later", cancellationToken: Box.Token);
        await using var container = await lab.StartAsync(Box.Sleeper);
        await Box.InAsync(container, "echo 192.0.2.1 mine >> /etc/hosts; echo '# 10.0.0.1 no line' >> /etc/hosts; echo nameserver 192.0.2.53 > /etc/resolv.conf");
        await lab.Networks.ConnectAsync("later", container, cancellationToken: Box.Token);
        Assert.Equal($"nameserver 192.0.2.53\nnameserver {network.Gateway}\n", await Box.InAsync(container, "grep nameserver /etc/resolv.conf"));
        var hosts = await Box.InAsync(container, "cat /etc/hosts");
        Assert.Contains("192.0.2.1 mine\n# 10.0.0.1 no line\n", hosts, StringComparison.Ordinal);
        Assert.Contains($"{container.Networks[0].Address}\t", hosts, StringComparison.Ordinal);

        // A line of the engine's that the container has removed does not come back.
        await Box.InAsync(container, "grep -v localhost /etc/hosts > /tmp/hosts; cat /tmp/hosts > /etc/hosts");
        await lab.Networks.DisconnectAsync("later", container, Box.Token);
        Assert.Equal("nameserver 192.0.2.53\n", await Box.InAsync(container, "grep -v ^options /etc/resolv.conf"));
        Assert.Equal("192.0.2.1 mine\n", await Box.InAsync(container, "grep -E 'localhost|mine' /etc/hosts"));
    }

    [Theory]
    [InlineData("read-only")]
    [InlineData("untrusted")]
    [InlineData("host ids")]
    public async Task Container_ThatCannotWriteThemHasThemAllTheSame(string kind)
    {
        await using var lab = new NetworkLab();
        var network = await lab.Networks.CreateAsync("later", cancellationToken: Box.Token);
        var job = kind switch
        {
            "untrusted" => Box.Sleeper.WithSecurity(SecurityProfile.Untrusted),
            "host ids" => Box.Sleeper.WithUserNamespace(UserNamespace.Host).WithReadOnlyRoot().WithUser(1000),
            _ => Box.Sleeper.WithReadOnlyRoot(),
        };
        await using var container = await lab.StartAsync(job);
        await lab.Networks.ConnectAsync("later", container, cancellationToken: Box.Token);
        Assert.Equal($"nameserver {network.Gateway}\n", await Box.InAsync(container, "grep nameserver /etc/resolv.conf"));
        Assert.Contains($"{container.Networks[0].Address}\t", await Box.InAsync(container, "cat /etc/hosts"), StringComparison.Ordinal);
        Assert.False(await Box.SucceedsInAsync(container, "echo x >> /etc/hosts"));
        Assert.False(await Box.SucceedsInAsync(container, "echo x > /etc/new"));
    }

    [Fact]
    public async Task Files_ThatAUserPutThereAreNotTouched()
    {
        await using var lab = new NetworkLab();
        using var own = new TestDirectory();
        File.WriteAllText(own.Path + "/hosts", "192.0.2.1 of-the-host\n");
        File.WriteAllText(own.Path + "/resolv.conf", "nameserver 192.0.2.53\n");
        await lab.Networks.CreateAsync("later", cancellationToken: Box.Token);
        var jobs = new[]
        {
            Box.Sleeper.WithFile("/etc/hosts", "192.0.2.1 of-the-host\n").WithFile("/etc/resolv.conf", "nameserver 192.0.2.53\n"),
            Box.Sleeper.WithMount(Mount.Bind(own.Path + "/hosts", "/etc/hosts", readOnly: false)).WithMount(Mount.Bind(own.Path + "/resolv.conf", "/etc/resolv.conf", readOnly: false)),
            Box.Sleeper.WithMount(Mount.Bind(own.Path, "/etc", readOnly: false)),
        };
        foreach (var job in jobs)
        {
            await using var container = await lab.StartAsync(job);
            await lab.Networks.ConnectAsync("later", container, cancellationToken: Box.Token);
            Assert.Equal("192.0.2.1 of-the-host\nnameserver 192.0.2.53\n", await Box.InAsync(container, "cat /etc/hosts /etc/resolv.conf"));
            await lab.Networks.DisconnectAsync("later", container, Box.Token);
            Assert.Equal("192.0.2.1 of-the-host\nnameserver 192.0.2.53\n", await Box.InAsync(container, "cat /etc/hosts /etc/resolv.conf"));
        }

        Assert.Equal("192.0.2.1 of-the-host\n", File.ReadAllText(own.Path + "/hosts"));
        Assert.Equal("nameserver 192.0.2.53\n", File.ReadAllText(own.Path + "/resolv.conf"));
    }

    /// <summary>A directory of the host with hosts and resolv.conf is at /host; nothing of it changes, and no connecting waits.</summary>
    [Theory]
    [InlineData("rm /etc/hosts /etc/resolv.conf")]
    [InlineData("for f in hosts resolv.conf; do ln -sf /host/$f /etc/$f; done")]
    [InlineData("for f in hosts resolv.conf; do ln -sf /proc/1/root/host/$f /etc/$f; done")]
    [InlineData("mv /etc /gone && ln -s /host /etc")]
    [InlineData("mv /etc /gone && ln -s /proc/1/cwd/host /etc")]
    [InlineData("for f in hosts resolv.conf; do rm /etc/$f; mkfifo /etc/$f; done")]
    [InlineData("for f in hosts resolv.conf; do rm /etc/$f; mkdir /etc/$f; done")]
    [InlineData("for f in hosts resolv.conf; do rm /etc/$f; mknod /etc/$f c 1 3 || :; done")]
    [InlineData("for f in hosts resolv.conf; do truncate -s 1T /etc/$f; done")]
    [InlineData("rm -r /etc; echo file > /etc")]
    [InlineData("exec chroot /host /bin/sh -c 'echo ready; sleep 600'")]
    [InlineData("mount --bind /host /etc")]
    [InlineData("mount --rbind /host /")]
    [InlineData("for f in hosts resolv.conf; do mount --bind /host/$f /etc/$f; done")]
    public async Task WhateverAContainerDoesToThem_NothingOfTheHostIsTouched(string deed)
    {
        await using var lab = new NetworkLab();
        using var host = new TestDirectory();
        var files = new[] { "/hosts", "/resolv.conf", "/etc/hosts", "/etc/resolv.conf" };
        Directory.CreateDirectory(host.Path + "/etc");
        Directory.CreateDirectory(host.Path + "/bin");
        File.Copy("/bin/busybox", host.Path + "/bin/sh");
        File.CreateSymbolicLink(host.Path + "/bin/sleep", "sh");
        Array.ForEach(files, file => File.WriteAllText(host.Path + file, "the host's\n"));
        await lab.Networks.CreateAsync("later", cancellationToken: Box.Token);
        foreach (var ids in new[] { UserNamespace.Host, UserNamespace.Private })
        {
            if (ids == UserNamespace.Host && deed.EndsWith(" /", StringComparison.Ordinal))
            {
                // Who may mount among the host's ids may do there what the engine may.
                continue;
            }

            var job = Box.Shell($"{deed}; echo ready; sleep 600").WithUserNamespace(ids).WithMount(Mount.Bind(host.Path, "/host", readOnly: ids != UserNamespace.Host));
            if (deed.StartsWith("mount", StringComparison.Ordinal) || deed.Contains("; do mount", StringComparison.Ordinal))
            {
                job = job.WithCapability(Capability.SysAdmin).WithoutSeccomp();
            }

            await using var container = await lab.StartAsync(job);
            var read = await container.StandardOutput.ReadAtLeastAsync("ready\n".Length, Box.Token);
            container.StandardOutput.AdvanceTo(read.Buffer.End);
            var place = await lab.Networks.ConnectAsync("later", container, cancellationToken: Box.Token).WaitAsync(TimeSpan.FromSeconds(10), Box.Token);
            Assert.Contains($"inet {place.Address}/", Host.Run("nsenter", "-t", container.ProcessId!.Value.ToString(System.Globalization.CultureInfo.InvariantCulture), "-n", "ip", "addr", "show", "eth0"), StringComparison.Ordinal);
            await lab.Networks.DisconnectAsync("later", container, Box.Token).WaitAsync(TimeSpan.FromSeconds(10), Box.Token);
            Assert.All(files, file => Assert.Equal("the host's\n", File.ReadAllText(host.Path + file)));
        }
    }

    [Fact]
    public async Task DiskThatIsFull_LeavesThemAsTheyWere()
    {
        await using var lab = new NetworkLab();
        await lab.Networks.CreateAsync("later", cancellationToken: Box.Token);
        await using var container = await lab.StartAsync(Box.Sleeper.WithDisk(1.MB));

        // One byte more is one page more, of which there is none.
        await Box.InAsync(container, "while [ $(stat -c %s /etc/hosts) -lt 4095 ]; do printf '#' >> /etc/hosts; done; echo >> /etc/hosts; dd if=/dev/zero of=/fill bs=4k; :");
        var before = await Box.InAsync(container, "cat /etc/hosts");
        await lab.Networks.ConnectAsync("later", container, cancellationToken: Box.Token);
        Assert.Equal(before, await Box.InAsync(container, "cat /etc/hosts"));

        // What could not be written then is written with the next change.
        await Box.InAsync(container, "rm /fill");
        await lab.Networks.CreateAsync("last", cancellationToken: Box.Token);
        await lab.Networks.ConnectAsync("last", container, cancellationToken: Box.Token);
        var after = await Box.InAsync(container, "cat /etc/hosts");
        Assert.All(container.Networks, place => Assert.Contains($"{place.Address}\t", after, StringComparison.Ordinal));
    }

    [Fact]
    public async Task ContainersThatShareANetwork_FollowToo()
    {
        await using var lab = new NetworkLab();
        var network = await lab.Networks.CreateAsync("later", cancellationToken: Box.Token);
        await using var owner = await lab.StartAsync(Box.Sleeper.WithHostname("owner"));
        await using var before = await lab.StartAsync(Box.Sleeper.WithNetworkOf(owner));
        await lab.Networks.ConnectAsync("later", owner, cancellationToken: Box.Token);
        await using var after = await lab.StartAsync(Box.Sleeper.WithNetworkOf(owner));
        foreach (var sharer in new[] { before, after })
        {
            Assert.Equal($"nameserver {network.Gateway}\n", await Box.InAsync(sharer, "grep nameserver /etc/resolv.conf"));
            Assert.Contains($"{owner.Networks[0].Address}\towner\n", await Box.InAsync(sharer, "cat /etc/hosts"), StringComparison.Ordinal);
        }

        var place = owner.Networks[0].Address;
        await lab.Networks.DisconnectAsync("later", owner, Box.Token);
        foreach (var sharer in new[] { before, after })
        {
            Assert.Equal(string.Empty, await Box.InAsync(sharer, "cat /etc/resolv.conf"));
            Assert.DoesNotContain(place.ToString(), await Box.InAsync(sharer, "cat /etc/hosts"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Changes_AtOnceEndWithWhatIsThere()
    {
        const int Count = 6;
        await using var lab = new NetworkLab();
        await using var container = await lab.StartAsync(Box.Sleeper);
        var names = Enumerable.Range(0, Count).Select(static number => $"net-{number}").ToList();
        await Task.WhenAll(names.Select(name => lab.Networks.CreateAsync(name, cancellationToken: Box.Token)));
        var before = await Box.InAsync(container, Show);
        await Task.WhenAll(names.Select(name => lab.Networks.ConnectAsync(name, container, cancellationToken: Box.Token)));
        var descriptors = Directory.GetFiles("/proc/self/fd").Length;
        var all = await Box.InAsync(container, "cat /etc/hosts");
        Assert.Equal(Count, container.Networks.Count);
        Assert.All(container.Networks, place => Assert.Contains($"{place.Address}\t", all, StringComparison.Ordinal));
        await Task.WhenAll(names.Skip(1).Select(name => lab.Networks.DisconnectAsync(name, container, Box.Token)));
        await Task.WhenAll(names.Skip(1).Select(name => lab.Networks.ConnectAsync(name, container, cancellationToken: Box.Token)));

        // None is held for the files.
        Assert.InRange(Directory.GetFiles("/proc/self/fd").Length, 0, descriptors + 2);
        await Task.WhenAll(names.Select(name => lab.Networks.DisconnectAsync(name, container, Box.Token)));
        Assert.Equal(before, await Box.InAsync(container, Show));
    }
}
