using Containers.Specification;

namespace Containers.Tests.Builder;

public sealed class BuilderNamespacesTests
{
    private static readonly ContainerBuilder Builder = ContainerBuilder.FromHost();

    [Theory]
    [InlineData("a")]
    [InlineData("web-1.example.COM")]
    [InlineData("1")]
    public void Hostname_OfLettersDigitsHyphensAndDots_IsKept(string name)
    {
        Assert.Equal(name, Builder.WithHostname(name).Spec.Hostname);
        Assert.Equal(name, Builder.WithDomainName(name).Spec.DomainName);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("a.")]
    [InlineData(".a")]
    [InlineData("a..b")]
    [InlineData("-a")]
    [InlineData("a-")]
    [InlineData("a_b")]
    [InlineData("a b")]
    [InlineData("a\n127.0.0.1 evil")]
    [InlineData("a\0")]
    [InlineData("é")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void Hostname_OfAnythingElse_IsRefused(string name)
    {
        Assert.Throws<ArgumentException>("hostname", () => Builder.WithHostname(name));
        Assert.Throws<ArgumentException>("domainName", () => Builder.WithDomainName(name));
    }

    [Theory]
    [InlineData("net.ipv4.ip_forward", "net.ipv4.ip_forward", "1")]
    [InlineData("net/ipv4/ip_forward", "net.ipv4.ip_forward", "0")]
    [InlineData("net.ipv4.tcp_rmem", "net.ipv4.tcp_rmem", "4096 87380\t6291456")]
    [InlineData("net.ipv4.ping_group_range", "net.ipv4.ping_group_range", "0 2147483647")]
    [InlineData("net.ipv4.tcp_congestion_control", "net.ipv4.tcp_congestion_control", "bbr")]
    [InlineData("kernel.sem", "kernel.sem", "250 32000 32 128")]
    [InlineData("kernel.shm_rmid_forced", "kernel.shm_rmid_forced", "1")]
    [InlineData("fs.mqueue.msg_max", "fs.mqueue.msg_max", "10")]
    public void Sysctl_OfANamespace_IsKept(string name, string dotted, string value) =>
        Assert.Equal([new(dotted, value)], Builder.WithSysctl(name, value).Spec.Sysctls);

    [Theory]
    [InlineData("")]
    [InlineData("net")]
    [InlineData("net.")]
    [InlineData("net..ipv4")]
    [InlineData("net.ipv4..")]
    [InlineData("net/../kernel/core_pattern")]
    [InlineData("net.ipv4/../../kernel/core_pattern")]
    [InlineData("/net/ipv4/ip_forward")]
    [InlineData("kernel.core_pattern")]
    [InlineData("kernel/core_pattern")]
    [InlineData("kernel.modprobe")]
    [InlineData("kernel.shmmax.x")]
    [InlineData("kernel.shm_rmid_forced=1+kernel.core_pattern")]
    [InlineData("vm.overcommit_memory")]
    [InlineData("fs.mqueue")]
    [InlineData("fs.file-max")]
    [InlineData("user.max_user_namespaces")]
    [InlineData("network.x")]
    [InlineData("NET.ipv4.ip_forward")]
    [InlineData("net.ipv4.ip_forward\n")]
    [InlineData("net.ipv4.ip_forward\0")]
    [InlineData("net.ipv4.ip forward")]
    public void Sysctl_OfTheHost_IsRefused(string name) =>
        Assert.Throws<ArgumentException>("name", () => Builder.WithSysctl(name, "1"));

    [Theory]
    [InlineData("")]
    [InlineData("1\n")]
    [InlineData("1\0")]
    [InlineData("1+kernel.core_pattern=|/x")]
    [InlineData("|/bin/sh")]
    [InlineData("é")]
    public void SysctlValue_NotPlain_IsRefused(string value) =>
        Assert.Throws<ArgumentException>("value", () => Builder.WithSysctl("net.ipv4.ip_forward", value));

    [Fact]
    public void Sysctls_ReplaceByNameHoweverWritten() => Assert.Equal(
        [new("net.ipv4.ip_forward", "0")],
        Builder.WithSysctl("net.ipv4.ip_forward", "1").WithSysctl("net/ipv4/ip_forward", "0").Spec.Sysctls);

    [Fact]
    public void Namespaces_ArePrivateUnlessSaid()
    {
        Assert.Equal(NamespaceSet.Default, Builder.Spec.Namespaces);
        Assert.Equal(NamespaceMode.Private, Builder.Spec.Namespaces.Network.Mode);
        Assert.Null(Builder.Spec.Namespaces.User);
    }

    [Theory]
    [InlineData(NamespaceKind.Uts)]
    [InlineData(NamespaceKind.Ipc)]
    [InlineData(NamespaceKind.Network)]
    [InlineData(NamespaceKind.Pid)]
    [InlineData(NamespaceKind.Cgroup)]
    [InlineData(NamespaceKind.Time)]
    public void Namespace_OfEachKind_CanBeTheHostsAnothersOrPrivate(NamespaceKind kind)
    {
        var other = ContainerEngine.Default.Create(ContainerBuilder.FromHost());
        var host = Builder.WithNamespace(kind, NamespaceMode.Host);
        Assert.Equal(NamespaceOption.Host, Option(host, kind));
        Assert.Equal(new NamespaceOption(NamespaceMode.Container, other), Option(host.WithNamespace(kind, other), kind));
        Assert.Equal(NamespaceOption.Private, Option(host.WithNamespace(kind, NamespaceMode.Private), kind));
    }

    [Fact]
    public void TheUserNamespace_IsChosenInTwoWays()
    {
        Assert.Same(UserNamespace.Host, Builder.WithNamespace(NamespaceKind.User, NamespaceMode.Host).Spec.Security.UserNamespace);
        Assert.Same(UserNamespace.Private, Builder.WithNamespace(NamespaceKind.User, NamespaceMode.Private).Spec.Security.UserNamespace);
        var other = ContainerEngine.Default.Create(ContainerBuilder.FromHost());
        var joined = Builder.WithNamespace(NamespaceKind.User, other);
        Assert.Same(other, joined.Spec.Namespaces.User!.Value.Owner);
        Assert.Null(joined.WithUserNamespace(UserNamespace.Private).Spec.Namespaces.User);
    }

    [Fact]
    public void Namespace_NotUsable_IsRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>("kind", () => Builder.WithNamespace((NamespaceKind)8, NamespaceMode.Host));
        Assert.Throws<ArgumentOutOfRangeException>("kind", () => Builder.WithNamespace((NamespaceKind)(-1), ContainerEngine.Default.Create(ContainerBuilder.FromHost())));
        Assert.Throws<ArgumentOutOfRangeException>("mode", () => Builder.WithNamespace(NamespaceKind.Pid, (NamespaceMode)8));
        Assert.Throws<ArgumentException>("mode", () => Builder.WithNamespace(NamespaceKind.Pid, NamespaceMode.Container));
        Assert.Throws<ArgumentException>("mode", () => Builder.WithNamespace(NamespaceKind.Mount, NamespaceMode.Host));
        Assert.Throws<ArgumentNullException>("container", () => Builder.WithNamespace(NamespaceKind.Pid, (Container)null!));
    }

    [Fact]
    public void Settings_OfANamespaceThatIsShared_AreRefusedInEitherOrder()
    {
        Assert.Throws<ArgumentException>("hostname", () => Builder.WithNamespace(NamespaceKind.Uts, NamespaceMode.Host).WithHostname("a"));
        Assert.Throws<ArgumentException>("mode", () => Builder.WithDomainName("a").WithNamespace(NamespaceKind.Uts, NamespaceMode.Host));
        Assert.Throws<ArgumentException>("container", () => Builder.WithHostname("a").WithNamespace(NamespaceKind.Uts, ContainerEngine.Default.Create(ContainerBuilder.FromHost())));
        Assert.Throws<ArgumentException>(
            "name", () => Builder.WithNamespace(NamespaceKind.Network, NamespaceMode.Host).WithSysctl("net.ipv4.ip_forward", "1"));
        Assert.Throws<ArgumentException>("mode", () => Builder.WithSysctl("kernel.sem", "1").WithNamespace(NamespaceKind.Ipc, NamespaceMode.Host));
        Assert.NotNull(Builder.WithSysctl("kernel.sem", "1").WithNamespace(NamespaceKind.Network, NamespaceMode.Host));
    }

    private static NamespaceOption? Option(ContainerBuilder builder, NamespaceKind kind) => kind switch
    {
        NamespaceKind.Uts => builder.Spec.Namespaces.Uts,
        NamespaceKind.Ipc => builder.Spec.Namespaces.Ipc,
        NamespaceKind.Network => builder.Spec.Namespaces.Network,
        NamespaceKind.Pid => builder.Spec.Namespaces.Pid,
        NamespaceKind.User => builder.Spec.Namespaces.User,
        NamespaceKind.Cgroup => builder.Spec.Namespaces.Cgroup,
        _ => builder.Spec.Namespaces.Time,
    };
}
