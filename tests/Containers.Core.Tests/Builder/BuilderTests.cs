using Containers.RootFilesystems;

namespace Containers.Tests.Builder;

public sealed class BuilderTests
{
    private static readonly ContainerBuilder Builder = ContainerBuilder.FromHost();

    [Fact]
    public void FromHost_TakesFurtherPaths()
    {
        var root = Assert.IsType<HostRootFilesystem>(ContainerBuilder.FromHost("/opt/jdk/", "/srv//x", "/opt/jdk").Spec.Root);
        Assert.Equal(["/opt/jdk", "/srv/x"], root.ExtraPaths);
        Assert.Empty(Assert.IsType<HostRootFilesystem>(Builder.Spec.Root).ExtraPaths);
    }

    [Theory]
    [InlineData("")]
    [InlineData("opt")]
    [InlineData("/")]
    [InlineData("/proc/1")]
    [InlineData("/sys")]
    [InlineData("/dev/shm")]
    [InlineData("/opt/../proc")]
    [InlineData(null)]
    public void FromHost_RefusesPathsThatAreNotPlainFiles(string? path) =>
        Assert.ThrowsAny<ArgumentException>(() => ContainerBuilder.FromHost([path!]));

    [Fact]
    public void FromDirectory_KeepsTheAbsolutePath()
    {
        var root = Assert.IsType<DirectoryRootFilesystem>(ContainerBuilder.FromDirectory("tree/").Spec.Root);
        Assert.Equal(Path.GetFullPath("tree"), root.Path);
        Assert.Throws<ArgumentException>("path", () => ContainerBuilder.FromDirectory(""));
        Assert.Throws<ArgumentException>("path", () => ContainerBuilder.FromDirectory("a\0b"));
        Assert.Throws<ArgumentNullException>("path", () => ContainerBuilder.FromDirectory(null!));
    }

    [Fact]
    public void EveryCall_ReturnsACopy()
    {
        var before = Builder.Spec;
        var snapshot = before with { };
        ContainerBuilder[] copies =
        [
            Builder.WithName("name"), Builder.WithLabel("a", "b"), Builder.WithCommand("a"), Builder.WithEntrypoint("a"),
            Builder.WithEnvironment("a", "b"), Builder.WithEnvironment(new Dictionary<string, string> { ["a"] = "b" }),
            Builder.WithWorkingDirectory("/a"), Builder.WithUser("a"), Builder.WithUser(1, 2), Builder.WithSupplementaryGroups("5"),
            Builder.WithStandardInput("a"), Builder.WithStandardInput(new byte[1]), Builder.WithStandardInput(Stream.Null),
            Builder.WithTerminal(), Builder.WithStopSignal(Signal.Quit), Builder.WithHealthCheck(new HealthCheck("true")), Builder.WithoutHealthCheck(), Builder.WithInit(), Builder.WithMemory(1.MB),
            Builder.WithMemoryReservation(1.MB), Builder.WithCpus(1), Builder.WithCpuShares(2), Builder.WithCpuSet("0"),
            Builder.WithCpuSet(CpuSet.Parse("0")), Builder.WithMaxProcesses(1), Builder.WithBlockIO(new BlockIOLimits { Weight = 10 }),
            Builder.WithUlimit("core", 0), Builder.WithTimeout(TimeSpan.FromSeconds(1)), Builder.WithCpuTimeLimit(TimeSpan.FromSeconds(1)),
            Builder.WithOutputLimit(1.KB), Builder.WithDisk(1.MB), Builder.WithOomScoreAdjustment(1), Builder.WithoutNamespaces(), Builder.WithAppArmor("a"), Builder.WithSELinux("a:b:c"), Builder.WithReadOnlyRoot(),
            Builder.WithMount(Mount.Tmpfs("/a")), Builder.WithDevice("/dev/fuse"), Builder.WithFile("/a", "b"),
            Builder.WithFile("/a", new byte[1]), Builder.WithMoveMountRoot(), Builder.WithHostname("a"), Builder.WithDomainName("a"),
            Builder.WithSysctl("net.ipv4.ip_forward", "1"), Builder.WithNamespace(NamespaceKind.Ipc, NamespaceMode.Host),
            Builder.WithNamespace(NamespaceKind.Ipc, ContainerEngine.Default.Create(ContainerBuilder.FromHost())),
            Builder.WithSecurity(SecurityProfile.Untrusted), Builder.WithCapability(Capability.NetAdmin), Builder.WithoutCapability(Capability.Chown),
            Builder.WithoutCapabilities(), Builder.WithSeccomp(SeccompProfile.Untrusted), Builder.WithoutSeccomp(),
            Builder.WithSeccomp(SeccompProfile.Default, static (in InterceptedSystemCall _) => SystemCallAnswer.Continue), Builder.WithUserNamespace(UserNamespace.Host),
        ];

        Assert.All(copies, copy => Assert.NotEqual(before, copy.Spec));
        Assert.Same(before, Builder.Spec);
        Assert.Equal(snapshot, before);
    }

    [Fact]
    public void EveryMethod_IsInTheListOfCopies()
    {
        // So that a method added later is added above as well.
        var methods = typeof(ContainerBuilder).GetMethods().Count(method => method.Name.StartsWith("With", StringComparison.Ordinal));
        Assert.Equal(55, methods);
    }

    [Theory]
    [InlineData("ab")]
    [InlineData("Web-1_x.y")]
    [InlineData("0a")]
    public void Name_AsDockers_IsKept(string name) => Assert.Equal(name, Builder.WithName(name).Spec.Name);

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData(".a")]
    [InlineData("-a")]
    [InlineData("_a")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("../a")]
    [InlineData("a\n")]
    [InlineData("aé")]
    public void Name_NotDockers_IsRefused(string name) => Assert.Throws<ArgumentException>("name", () => Builder.WithName(name));

    [Fact]
    public void Name_TooLong_IsRefused() => Assert.Throws<ArgumentException>("name", () => Builder.WithName(new string('a', 129)));

    [Fact]
    public void Labels_ReplaceByName()
    {
        var spec = Builder.WithLabel("a", "1").WithLabel("b", "2").WithLabel("a", "").Spec;
        Assert.Equal([new("a", ""), new("b", "2")], spec.Labels);
        Assert.Throws<ArgumentException>("name", () => Builder.WithLabel("", "x"));
        Assert.Throws<ArgumentException>("value", () => Builder.WithLabel("x", "\0"));
        Assert.Throws<ArgumentNullException>("value", () => Builder.WithLabel("x", null!));
    }
}
