namespace Containers.Tests.Builder;

public sealed class BuilderFilesTests
{
    private static readonly ContainerBuilder Builder = ContainerBuilder.FromHost();

    [Fact]
    public void Mounts_AreOrderedFromTheRootDownwards()
    {
        var builder = Builder
            .WithMount(Mount.Tmpfs("/a/b/c"))
            .WithMount(Mount.Tmpfs("/z"))
            .WithMount(Mount.Tmpfs("/a/b"))
            .WithMount(Mount.Tmpfs("/a"));
        Assert.Equal(["/z", "/a", "/a/b", "/a/b/c"], builder.Spec.Mounts.Select(mount => mount.Target));
    }

    [Fact]
    public void Mounts_OfOneTarget_AreRefusedNamingBoth()
    {
        var e = Assert.Throws<ArgumentException>(
            "mount", () => Builder.WithMount(Mount.Bind("/srv/one", "/data")).WithMount(Mount.Bind("/srv/two", "/data/")));
        Assert.Contains("/srv/one", e.Message, StringComparison.Ordinal);
        Assert.Contains("/srv/two", e.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>("mount", () => Builder.WithDevice("/dev/fuse").WithMount(Mount.Tmpfs("/dev/fuse")));
        Assert.Throws<ArgumentException>("hostPath", () => Builder.WithMount(Mount.Tmpfs("/dev/fuse")).WithDevice("/dev/fuse"));
        Assert.Throws<ArgumentException>("containerPath", () => Builder.WithDevice("/dev/a").WithDevice("/dev/b", "/dev/a"));
    }

    [Fact]
    public void Mounts_MadeByHand_AreCheckedAndCompleted()
    {
        var mount = Assert.Single(Builder.WithMount(new Mount { Kind = MountKind.Tmpfs, Target = "/tmp//" }).Spec.Mounts);
        Assert.Equal(Mount.Tmpfs("/tmp"), mount);
        mount = Assert.Single(Builder.WithMount(Mount.Bind("/a", "/b") with { Propagation = MountPropagation.Slave, Source = "/c/" }).Spec.Mounts);
        Assert.Equal(("/c", MountPropagation.Slave), (mount.Source, mount.Propagation));
    }

    public static TheoryData<string, Mount> BadMounts => new()
    {
        { "a bind without source", new Mount { Kind = MountKind.Bind, Target = "/a" } },
        { "a tmpfs with a source", new Mount { Kind = MountKind.Tmpfs, Source = "/a", Target = "/a" } },
        { "an unknown kind", new Mount { Kind = (MountKind)7, Target = "/a" } },
        { "an unknown propagation", Mount.Bind("/a", "/b") with { Propagation = (MountPropagation)7 } },
        { "a shared tmpfs", Mount.Tmpfs("/a") with { Propagation = MountPropagation.Shared } },
        { "a slave overlay", Mount.Overlay("/a", "/b") with { Propagation = MountPropagation.Slave } },
        { "a sized bind", Mount.Bind("/a", "/b") with { Size = 1.MB } },
        { "an overlay with a mode", Mount.Overlay("/a", "/b") with { Mode = UnixFileMode.UserRead } },
        { "a tmpfs of unlimited size", Mount.Tmpfs("/a") with { Size = 0.MB } },
        { "a tmpfs of unlimited inodes", Mount.Tmpfs("/a") with { Inodes = 0 } },
        { "a target in /proc", Mount.Tmpfs("/a") with { Target = "/proc/sys" } },
        { "the root as target", Mount.Tmpfs("/a") with { Target = "/" } },
        { "a relative target", Mount.Tmpfs("/a") with { Target = "a" } },
        { "no target", Mount.Tmpfs("/a") with { Target = null! } },
        { "a NUL in the source", Mount.Bind("/a", "/b") with { Source = "\0" } },
    };

    [Theory]
    [MemberData(nameof(BadMounts), DisableDiscoveryEnumeration = true)]
    public void Mounts_ThatMakeNoSense_AreRefused(string what, Mount mount)
    {
        Assert.NotEmpty(what);
        Assert.Equal("mount", Assert.ThrowsAny<ArgumentException>(() => Builder.WithMount(mount)).ParamName);
    }

    [Fact]
    public void Device_AppearsAtItsOwnPathWithAllAccessUnlessSaid()
    {
        var device = Assert.Single(Builder.WithDevice("/dev/fuse").Spec.Devices);
        Assert.Equal(("/dev/fuse", "/dev/fuse", "rwm"), (device.HostPath, device.ContainerPath, device.Access));
        device = Assert.Single(Builder.WithDevice("/dev/sda", "/dev/disk", "wr").Spec.Devices);
        Assert.Equal(("/dev/sda", "/dev/disk", "rw"), (device.HostPath, device.ContainerPath, device.Access));
    }

    [Theory]
    [InlineData("dev/fuse", null, "rwm", "hostPath")]
    [InlineData("", null, "rwm", "hostPath")]
    [InlineData("/proc/kcore", null, "r", "hostPath")]
    [InlineData("/dev/fuse", "fuse", "rwm", "containerPath")]
    [InlineData("/dev/fuse", "/", "rwm", "containerPath")]
    [InlineData("/dev/fuse", "/dev/../x", "rwm", "containerPath")]
    [InlineData("/dev/fuse", null, "", "access")]
    [InlineData("/dev/fuse", null, "rr", "access")]
    [InlineData("/dev/fuse", null, "rx", "access")]
    [InlineData("/dev/fuse", null, "RW", "access")]
    public void Device_NotUsable_IsRefused(string hostPath, string? containerPath, string access, string parameter) =>
        Assert.Throws<ArgumentException>(parameter, () => Builder.WithDevice(hostPath, containerPath, access));

    [Fact]
    public void Files_AreCopiedAndReplaceByPath()
    {
        byte[] content = [1, 2];
        var builder = Builder.WithFile("/a/b", "text").WithFile("/a//b", content, UnixFileMode.UserRead, 5, 6);
        content[0] = 9;
        var file = Assert.Single(builder.Spec.Files);
        Assert.Equal([1, 2], file.Content.ToArray());
        Assert.Equal(("/a/b", UnixFileMode.UserRead, 5u, 6u), (file.Path, file.Mode, file.OwnerUserId, file.OwnerGroupId));
        Assert.Equal(0x1A4, (int)Builder.WithFile("/a", "").Spec.Files[0].Mode);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("/")]
    [InlineData("/proc/sys/kernel/core_pattern")]
    [InlineData("/sys/fs/cgroup/x")]
    [InlineData("/a/../etc/passwd")]
    [InlineData("/a\0")]
    public void File_AtAPathOfNoUse_IsRefused(string path) =>
        Assert.Throws<ArgumentException>("path", () => Builder.WithFile(path, "x"));

    [Fact]
    public void File_NotUsable_IsRefused()
    {
        Assert.Throws<ArgumentNullException>("content", () => Builder.WithFile("/a", (string)null!));
        Assert.Throws<ArgumentOutOfRangeException>("mode", () => Builder.WithFile("/a", "x", (UnixFileMode)0x1000));
        Assert.Throws<ArgumentOutOfRangeException>("userId", () => Builder.WithFile("/a", "x", userId: uint.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>("groupId", () => Builder.WithFile("/a", "x", groupId: uint.MaxValue));
    }
}
