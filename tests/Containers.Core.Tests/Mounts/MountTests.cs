namespace Containers.Tests.Mounts;

public sealed class MountTests
{
    [Fact]
    public void Bind_IsReadOnlyUnlessWritingIsAskedFor()
    {
        var mount = Mount.Bind("/srv/data/", "/data/");
        Assert.Equal((MountKind.Bind, "/srv/data", "/data", true), (mount.Kind, mount.Source, mount.Target, mount.ReadOnly));
        Assert.Equal(MountPropagation.Private, mount.Propagation);
        Assert.False(Mount.Bind("/srv", "/data", readOnly: false).ReadOnly);
    }

    [Fact]
    public void Bind_FromARelativePath_TakesTheCurrentDirectoryOfNow() =>
        Assert.Equal(Path.GetFullPath("some/where"), Mount.Bind("some/where", "/data").Source);

    [Fact]
    public void Tmpfs_AlwaysHasASizeAndInodes()
    {
        var mount = Mount.Tmpfs("/tmp");
        Assert.Equal(64.MB, mount.Size);
        Assert.Equal(16384, mount.Inodes);
        Assert.Equal(0x3FF, (int)mount.Mode);
        Assert.Null(mount.Source);

        mount = Mount.Tmpfs("/tmp", 4.KB, 10, UnixFileMode.UserRead);
        Assert.Equal((4.KB, 10L, UnixFileMode.UserRead), (mount.Size!.Value, mount.Inodes!.Value, mount.Mode));
        Assert.Equal(2, Mount.Tmpfs("/tmp", 4.KB).Inodes);
    }

    [Fact]
    public void Tmpfs_RefusesZero_WhichTheKernelTakesForUnlimited()
    {
        Assert.Throws<ArgumentOutOfRangeException>("size", () => Mount.Tmpfs("/tmp", 0.MB));
        Assert.Throws<ArgumentOutOfRangeException>("inodes", () => Mount.Tmpfs("/tmp", 1.MB, 0));
        Assert.Throws<ArgumentOutOfRangeException>("mode", () => Mount.Tmpfs("/tmp", mode: (UnixFileMode)0x1000));
    }

    [Fact]
    public void Overlay_HasItsLowerDirectoryAsSource()
    {
        var mount = Mount.Overlay("/srv/tree", "/tree");
        Assert.Equal((MountKind.Overlay, "/srv/tree", "/tree", false), (mount.Kind, mount.Source, mount.Target, mount.ReadOnly));
    }

    [Theory]
    [InlineData("")]
    [InlineData("data")]
    [InlineData("/")]
    [InlineData("//")]
    [InlineData("/.")]
    [InlineData("/proc")]
    [InlineData("/proc/")]
    [InlineData("//proc")]
    [InlineData("/./proc/sys")]
    [InlineData("/proc/self/attr")]
    [InlineData("/data/../proc")]
    [InlineData("/data/..")]
    [InlineData("/da\0ta")]
    public void Target_NotUsable_IsRefused(string target)
    {
        Assert.Throws<ArgumentException>("target", () => Mount.Bind("/srv", target));
        Assert.Throws<ArgumentException>("target", () => Mount.Tmpfs(target));
        Assert.Throws<ArgumentException>("target", () => Mount.Overlay("/srv", target));
    }

    [Fact]
    public void Target_NotWritableAsUtf8_IsRefused() =>
        Assert.Throws<ArgumentException>("target", () => Mount.Tmpfs("/da\ud800ta"));

    [Fact]
    public void Target_TooLong_IsRefused()
    {
        Assert.Throws<ArgumentException>("target", () => Mount.Tmpfs("/" + new string('a', 256)));
        Assert.Throws<ArgumentException>("target", () => Mount.Tmpfs(string.Concat(Enumerable.Repeat("/abc", 1024))));
        Assert.NotNull(Mount.Tmpfs("/" + new string('a', 255)));
    }

    [Theory]
    [InlineData("/a//b/./c/", "/a/b/c")]
    [InlineData("/process", "/process")]
    [InlineData("/a/proc", "/a/proc")]
    [InlineData("/...", "/...")]
    public void Target_IsNormalised(string target, string expected) => Assert.Equal(expected, Mount.Tmpfs(target).Target);

    [Theory]
    [InlineData("")]
    [InlineData("/s\0rv")]
    public void Source_NotUsable_IsRefused(string source)
    {
        Assert.Throws<ArgumentException>("source", () => Mount.Bind(source, "/data"));
        Assert.Throws<ArgumentException>("lowerDirectory", () => Mount.Overlay(source, "/data"));
    }
}
