using Containers.Cgroups.Devices;

namespace Containers.Tests.Cgroups;

[Trait("Category", "Vm")]
public sealed class DeviceRuleTests
{
    // /dev/kmsg and /dev/loop-control are on no default list and are there everywhere.
    private const string Kmsg = "/dev/kmsg";

    [Theory]
    [InlineData("host")]
    [InlineData("v1")]
    [InlineData("v2")]
    public void DeviceNotOnTheList_CannotBeOpened(string kind)
    {
        using var fixture = CgroupFixture.Of(kind);
        Assert.SkipUnless(fixture.Host.CanRestrictDevices, "device rules are set by root");
        Assert.SkipUnless(File.Exists(Kmsg), "there is no /dev/kmsg");

        var (code, output, error) = fixture.Run(
            fixture.Make(), $"(exec 3<>/dev/null) && (exec 3</dev/urandom) && echo allowed; exec 3<{Kmsg}; echo opened");

        Assert.NotEqual(0, code);
        Assert.Equal("allowed\n", output);
        Assert.Contains("not permitted", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("host")]
    [InlineData("v1")]
    [InlineData("v2")]
    public void DeviceOnTheList_IsOpenedAsTheRuleSays(string kind)
    {
        using var fixture = CgroupFixture.Of(kind);
        Assert.SkipUnless(fixture.Host.CanRestrictDevices, "device rules are set by root");
        Assert.SkipUnless(File.Exists(Kmsg), "there is no /dev/kmsg");
        var cgroup = fixture.Make(null, DeviceRule.ForFile(Kmsg, "r"));

        Assert.Equal("read\n", fixture.Run(cgroup, $"(exec 3<{Kmsg}) && echo read").Output);
        Assert.NotEqual(0, fixture.Run(cgroup, $"(exec 3<>{Kmsg}) && echo written").ExitCode);
    }

    [Theory]
    [InlineData("host")]
    [InlineData("v1")]
    [InlineData("v2")]
    public void NodeOfAnyDevice_MayBeMadeButNotOpened(string kind)
    {
        using var fixture = CgroupFixture.Of(kind);
        Assert.SkipUnless(fixture.Host.CanRestrictDevices, "device rules are set by root");
        var node = Path.Combine(Path.GetTempPath(), CgroupFixture.NewName());
        try
        {
            var (_, output, error) = fixture.Run(fixture.Make(), $"mknod {node} c 1 11 && echo made; (exec 3<{node}) && echo opened");

            Assert.Equal("made\n", output);
            Assert.Contains("not permitted", error, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(node);
        }
    }

    [Fact]
    public void Rule_ReadsAsTheKernelWritesIt()
    {
        Assert.Equal("c 1:3 rwm", DeviceRule.ForFile("/dev/null", "rwm").ToString());
        Assert.Equal("b *:* m", new DeviceRule(DeviceKind.Block, null, null, DeviceAccess.MakeNode).ToString());
        Assert.Throws<ContainerException>(() => DeviceRule.ForFile("/dev", "r"));
        Assert.Throws<ContainerException>(() => DeviceRule.ForFile("/dev/there-is-none", "r"));
        Assert.Throws<ArgumentException>(() => DeviceRule.ForFile("/dev/null", "x"));
    }

    [Fact]
    public void EqualRules_ShareASet()
    {
        var rule = new DeviceRule(DeviceKind.Character, 10, 200, DeviceAccess.All);

        Assert.Equal(new DeviceRuleSet([rule]), new DeviceRuleSet([rule]));
        Assert.NotEqual(new DeviceRuleSet([rule]), new DeviceRuleSet([]));
    }

    [Fact]
    public void Program_EndsInARefusal()
    {
        var code = DeviceProgram.Assemble(new DeviceRuleSet([]));

        Assert.Equal(0xB7UL, code[^2]);
        Assert.Equal(0x95UL, code[^1]);
    }
}
