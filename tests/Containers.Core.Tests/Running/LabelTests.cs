namespace Containers.Tests.Running;

/// <summary>What is asked of security modules that are not there, or makes no sense.</summary>
[Trait("Category", "Rootless")]
public sealed class LabelTests
{
    [Fact]
    public async Task AskedForAndNotActive_IsAnError()
    {
        if (!ContainerEngine.Default.Facts.HasAppArmor)
        {
            var failure = await Job.FailureOf(Job.Shell("true").WithAppArmor("docker-default"));
            Assert.Contains("docker-default", failure.Message, StringComparison.Ordinal);
            Assert.Contains("AppArmor is not active here", failure.Message, StringComparison.Ordinal);
        }

        Assert.False(ContainerEngine.Default.Facts.HasSELinux);
        var refused = await Job.FailureOf(Job.Shell("true").WithSELinux("system_u:system_r:container_t:s0:c1,c2"));
        Assert.Contains("SELinux is not active here", refused.Message, StringComparison.Ordinal);
        Assert.Contains("SELinux is not active here", (await Job.FailureOf(Job.Shell("true").WithSecurity(SecurityProfile.Default with { SELinuxMountLabel = "a:b:c" }))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" a")]
    [InlineData("a ")]
    [InlineData("a\nb")]
    [InlineData("a\0b")]
    public void AProfileName_IsOneLine(string name)
    {
        Assert.Throws<ArgumentException>("profile", () => ContainerBuilder.FromHost().WithAppArmor(name));
        Assert.Throws<ArgumentException>("profile", () => ContainerBuilder.FromHost().WithSecurity(SecurityProfile.Default with { AppArmorProfile = name }));
    }

    [Theory]
    [InlineData("container_t")]
    [InlineData("a:b")]
    [InlineData("a::c")]
    [InlineData("a:b:c d")]
    [InlineData("a:b:c\n")]
    public void AContext_HasUserRoleAndType(string label)
    {
        Assert.Throws<ArgumentException>("label", () => ContainerBuilder.FromHost().WithSELinux(label));
        Assert.Throws<ArgumentException>("mountLabel", () => ContainerBuilder.FromHost().WithSELinux("a:b:c", label));
    }

    [Fact]
    public void WhatIsAskedFor_IsExplained_InItsPlace()
    {
        var steps = ContainerEngine.Default.Explain(Job.Shell("true").WithInit().WithAppArmor("some-profile").WithSELinux("u:r:t:s0", "u:object_r:f:s0")).Split('\n').ToList();

        Assert.Contains("AppArmor profile: some-profile", steps);
        Assert.Contains("SELinux context: u:r:t:s0", steps);
        int At(string text) => steps.FindIndex(step => step.Contains(text, StringComparison.Ordinal));
        Assert.True(At("write \"exec some-profile\"") > At("clone the job"), "the init would get the label too");
        Assert.InRange(At("write \"u:r:t:s0\""), At("write \"exec some-profile\""), At("drop from the bounding set"));
        Assert.Equal(3, steps.Count(static step => step.Contains("set context=u:object_r:f:s0 of tmpfs", StringComparison.Ordinal)));
    }
}
