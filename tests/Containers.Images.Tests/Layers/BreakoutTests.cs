using static Containers.Tests.Tar.TarBytes;

namespace Containers.Tests.Layers;

/// <summary>
/// Layers made to write outside of their directory, after the published escapes of other unpackers (CVE-2014-9356, CVE-2021-29136,
/// CVE-2021-32760, CVE-2025-47290 and the cases of their projects' tests). Nothing outside changes, whether the layer is unpacked
/// with its links staying within its root, or refused.
/// </summary>
[Trait("Category", "Rootless")]
public sealed class BreakoutTests
{
    [Theory]
    [InlineData("/etc")]
    [InlineData("/dummy/../etc")]
    [InlineData("../../../../../../etc")]
    [InlineData("dummy/etc")]
    [InlineData("./dummy/etc")]
    [InlineData("dummy/../../../etc")]
    public async Task ALinkAsParent_StaysWithinTheRoot(string target)
    {
        using var layer = new LayerFixture();
        await layer.UnpackAsync(
            Header('5', "etc"), Header('5', "dummy"), Header('2', "dummy/etc", link: "/etc"), Header('2', "localetc", link: target),
            Member('0', "/localetc/unbroken", B("unbroken")));

        Assert.Equal("unbroken", File.ReadAllText(layer["etc/unbroken"]));
    }

    [Theory]
    [InlineData("../../etc", "/breakouts/d1/passwd")]
    [InlineData("../downandout/../../etc", "breakouts/d1/passwd")]
    [InlineData("/etc", "breakouts/d1/passwd")]
    [InlineData("../../../../../../../etc", "/breakouts/d1/passwd")]
    [InlineData("none", "../../../../../etc/passwd")]
    [InlineData("none", "/etc/passwd")]
    public async Task AHardLink_IsToAFileWithinTheRoot(string target, string name)
    {
        using var layer = new LayerFixture();
        await layer.UnpackAsync(
            Header('5', "etc"), Member('0', "/etc/passwd", B("inside")), Header('5', "breakouts"), Header('5', "downandout"),
            Header('2', "breakouts/d1", link: target), Header('1', "mine", link: name));

        Assert.Equal(layer.Stat("etc/passwd", "%i"), layer.Stat("mine", "%i"));
    }

    [Fact]
    public async Task AHardLinkToALink_IsTheLinkItself_AndChangesNothingOutside()
    {
        using var layer = new LayerFixture();
        await layer.UnpackAsync(
            Header('2', "link", link: layer.Canary + "/file"),
            Header('1', "sketchy", link: "link", change: block => B("0007777\0").CopyTo(block, 100)),
            Header('1', "again", link: "again/../sketchy"[9..]));

        Assert.Equal(layer.Canary + "/file", new FileInfo(layer["sketchy"]).LinkTarget);
        layer.AssertUntouched();
    }

    [Theory]
    [InlineData('0', "../breakout")]
    [InlineData('0', "a/../../breakout")]
    [InlineData('0', "etc/..")]
    [InlineData('2', "..")]
    [InlineData('2', "etc/sub/..")]
    [InlineData('2', "")]
    [InlineData('2', ".")]
    [InlineData('2', "/.")]
    [InlineData('0', "/")]
    [InlineData('1', "./")]
    [InlineData('0', "..//")]
    public async Task PathsThatAreNoneInALayer_AreRefused(char type, string path)
    {
        using var layer = new LayerFixture();
        await layer.RefusedAsync(Header('5', "etc"), Header(type, path, link: layer.Canary));
    }

    [Theory]
    [InlineData(".wh..")]
    [InlineData(".wh...")]
    [InlineData(".wh.")]
    [InlineData("etc/.wh..")]
    [InlineData("etc/.wh...")]
    [InlineData("dne/../.wh.etc")]
    public async Task Whiteouts_OfTheRoot_OrAParent_AreRefused(string path)
    {
        using var layer = new LayerFixture();
        await layer.RefusedAsync(Header('5', "etc"), Member('0', "etc/passwd", B("inside")), Header('0', path));
        Assert.Equal("inside", File.ReadAllText(layer["etc/passwd"]));
    }

    [Fact]
    public async Task AWhiteoutBelowALinkOut_IsWithinTheRoot()
    {
        using var layer = new LayerFixture();
        await layer.UnpackAsync(Header('2', "out", link: layer.Canary), Header('0', "out/.wh.file"), Header('0', "out/.wh..wh..opq"));

        Assert.True(layer.IsWhiteout(layer.Canary.TrimStart('/') + "/file"));
        layer.AssertUntouched();
    }

    [Fact]
    public async Task AnyWayOut_ThroughLinks_EndsInside()
    {
        foreach (var target in (string[])["..", "../..", "/", "../canary", "/../../canary", "/proc/self/cwd", "/proc/self/root", "/dev/shm"])
        {
            using var layer = new LayerFixture();
            await layer.UnpackAsync(Header('2', "out", link: target), Member('0', "out/breakout", B("x")), Member('0', "out/canary/file", B("x")));
        }

        using var loop = new LayerFixture();
        await loop.RefusedAsync(Header('2', "a", link: "b"), Header('2', "b", link: "a"), Header('0', "a/x"));
        using var chain = new LayerFixture();
        await chain.RefusedAsync([.. Enumerable.Range(0, 60).Select(i => Header('2', $"l{i}", link: $"l{i + 1}")), Header('0', "l0/x")]);
    }

    /// <summary>The directory of the last entry is kept open; what replaces it must not be written to through the old one.</summary>
    [Fact]
    public async Task AParentThatIsReplaced_IsNotWrittenToAnyMore()
    {
        using var layer = new LayerFixture();
        await layer.UnpackAsync(
            Header('5', "a"), Member('0', "a/one", B("1")),
            Header('5', "b"), Header('2', "a", link: "b"), Member('0', "a/two", B("2")),
            Header('2', "a", link: layer.Canary), Member('0', "a/file", B("3")),
            Header('2', "a", link: "c"), Member('0', "a/four", B("4")));

        Assert.Equal("2", File.ReadAllText(layer["b/two"]));
        Assert.Equal("3", File.ReadAllText(layer[layer.Canary.TrimStart('/') + "/file"]));
        Assert.Equal("4", File.ReadAllText(layer["c/four"]));
        Assert.Equal(["two"], Directory.GetFiles(layer["b"]).Select(Path.GetFileName));
        layer.AssertUntouched();
    }

    [Fact]
    public async Task TheLastOfAName_Wins_WhateverWasThere()
    {
        using var layer = new LayerFixture();
        await layer.UnpackAsync(
            Member('0', "x", B("file")), Header('2', "x", link: "/etc/passwd"), Member('0', "x", B("over the link")),
            Header('5', "y"), Member('0', "y/deep", B("")), Member('0', "y", B("was a directory")),
            Header('2', "z", link: layer.Canary), Header('5', "z"), Member('0', "z/inside", B("z")),
            Header('6', "p"), Header('6', "p"), Header('1', "x", link: "x"));

        Assert.Equal("over the link", File.ReadAllText(layer["x"]));
        Assert.Equal("was a directory", File.ReadAllText(layer["y"]));
        Assert.Equal("z", File.ReadAllText(layer["z/inside"]));
        Assert.Equal("fifo", layer.Stat("p", "%F"));
    }

    [Fact]
    public async Task AFileAsParent_IsRefused()
    {
        using var layer = new LayerFixture();
        Assert.Contains("is no directory", await layer.RefusedAsync(Member('0', "a", B("x")), Header('0', "a/b")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AHardLink_ToAnotherLayer_SaysSo()
    {
        using var layer = new LayerFixture();
        foreach (var target in (string[])["gone", "gone/file", "..", "/", "", "dir/..", "wh"])
        {
            Assert.Contains("not in this layer", await layer.RefusedAsync(Header('0', ".wh.wh"), Header('1', "name", link: target)), StringComparison.Ordinal);
        }

        Assert.Contains("is a directory", await layer.RefusedAsync(Header('5', "d"), Header('1', "name", link: "d")), StringComparison.Ordinal);
    }
}
