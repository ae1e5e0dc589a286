using Containers.Cgroups;

namespace Containers.Tests.Cgroups;

[Trait("Category", "Rootless")]
public sealed class CgroupLayoutTests
{
    private const string V1Mounts = """
        22 27 0:21 / /proc rw,relatime - proc proc rw
        32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 master:2 - cgroup cgroup rw,cpu,cpuacct
        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
        40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
        """;

    private const string V1Groups = "9:name=systemd:/\n4:memory:/user/jobs\n1:cpu,cpuacct:/\n";

    private const string UnifiedMount = "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:1 - cgroup2 cgroup2 rw,nsdelegate";

    [Fact]
    public void V1_FindsEachHierarchyWithItsControllersAndTheOwnGroup()
    {
        var layout = CgroupLayout.Parse(V1Mounts, V1Groups);

        Assert.Equal(CgroupVersion.V1, layout.Version);
        Assert.Equal(2, layout.Mounts.Length);
        Assert.Equal(["cpu", "cpuacct"], layout.Mounts[0].Controllers);
        Assert.Equal("/sys/fs/cgroup/cpu,cpuacct", layout.Mounts[0].OwnPath);
        Assert.Equal("/sys/fs/cgroup/memory/user/jobs", layout.Mounts[1].OwnPath);
    }

    [Fact]
    public void Hybrid_IsV1HierarchiesWithAUnifiedTreeBeside()
    {
        var layout = CgroupLayout.Parse(V1Mounts + "\n" + UnifiedMount, V1Groups + "0::/\n");

        Assert.Equal(CgroupVersion.Hybrid, layout.Version);
        Assert.True(layout.Mounts[2].IsV2);
        Assert.Equal("/sys/fs/cgroup/unified", layout.Mounts[2].OwnPath);
    }

    [Fact]
    public void V2_FindsTheUsersScopeThatSystemdDelegated()
    {
        const string Scope = "/user.slice/user-1000.slice/user@1000.service/app.slice/run-r12.scope";
        var layout = CgroupLayout.Parse("29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate", $"0::{Scope}\n");

        Assert.Equal(CgroupVersion.V2, layout.Version);
        Assert.Equal("/sys/fs/cgroup" + Scope, Assert.Single(layout.Mounts).OwnPath);
    }

    [Theory]
    [InlineData("/docker/abc", "/docker/abc", "/sys/fs/cgroup")]
    [InlineData("/docker/abc", "/docker/abc/jobs", "/sys/fs/cgroup/jobs")]
    [InlineData("/docker/abc", "/docker/abcdef", null)]
    [InlineData("/docker/abc", "/", null)]
    [InlineData("/", "/../other", null)]
    public void OwnGroup_IsLocatedBelowTheMountsRoot(string root, string own, string? expected)
    {
        var layout = CgroupLayout.Parse($"29 23 0:26 {root} /sys/fs/cgroup rw - cgroup2 cgroup2 rw", $"0::{own}\n");

        Assert.Equal(expected, Assert.Single(layout.Mounts).OwnPath);
    }

    [Fact]
    public void EscapedMountPoint_IsDecoded()
    {
        var layout = CgroupLayout.Parse(@"29 23 0:26 / /mnt/with\040space\134n\011\012x rw - cgroup2 none rw", "0::/a:b\n");

        Assert.Equal("/mnt/with space\\n\t\nx", layout.Mounts[0].MountPoint);
        Assert.EndsWith("x/a:b", layout.Mounts[0].OwnPath, StringComparison.Ordinal);
    }

    [Fact]
    public void ReadOnlyMount_IsSeen()
    {
        var layout = CgroupLayout.Parse(
            "29 23 0:26 / /a ro,nosuid - cgroup2 cgroup2 rw\n30 23 0:27 / /b rw - cgroup cgroup ro,pids", "0::/\n3:pids:/\n");

        Assert.All(layout.Mounts, static mount => Assert.True(mount.IsReadOnly));
    }

    [Fact]
    public void SecondMountOfAHierarchy_IsLeftAside()
    {
        var layout = CgroupLayout.Parse(UnifiedMount + "\n" + UnifiedMount.Replace("unified", "again", StringComparison.Ordinal), "0::/\n");

        Assert.Equal("/sys/fs/cgroup/unified", Assert.Single(layout.Mounts).MountPoint);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\0\n- - - - -\n")]
    [InlineData("29 23 0:26 / /sys/fs/cgroup rw -")]
    [InlineData("29 23 0:26 / /sys/fs/cgroup rw - cgroup2")]
    [InlineData("29 23 0:26 / relative rw - cgroup2 cgroup2 rw")]
    [InlineData("29 23 0:26 / /x rw - cgroup cgroup rw,name=memory")]
    [InlineData(@"29 23 0:26 \9 \0 rw - cgroup cgroup rw,memory")]
    [InlineData("29 23 0:26 / /a - cgroup2 cgroup2 rw - cgroup2")]
    public void Garbage_IsNoHierarchy(string mountInfo)
    {
        var layout = CgroupLayout.Parse(mountInfo, ":::\n0:\n\0");

        Assert.Equal(CgroupVersion.None, layout.Version);
        Assert.Empty(layout.Mounts);
    }

    [Fact]
    public void ThisHost_HasControlGroups()
    {
        Assert.NotEqual(CgroupVersion.None, CgroupLayout.OfThisProcess().Version);
    }
}
