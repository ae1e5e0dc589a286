using Containers.Compression;
using Containers.Layers;
using Containers.Oci;
using Containers.RootFilesystems;
using static Containers.Tests.Tar.TarBytes;

namespace Containers.Tests.Layers;

[Trait("Category", "Rootless")]
public sealed class LayerUnpackerTests
{
    [Fact]
    public async Task AttributesOfFiles_AreTheLayers()
    {
        using var layer = new LayerFixture();
        var owner = LayerFixture.IsRoot ? "1234:4294967294" : $"{Interop.Libc.EffectiveUserId()}:{Interop.Libc.EffectiveGroupId()}";
        byte[] Owned(char type, string name, string mode, byte[]? content = null) =>
            [.. Pax('x', ("uid", "1234"), ("gid", "4294967294"), ("mtime", "1000000000.123456789")),
             .. Member(type, name, content ?? [], "target", block => B(mode + "\0").CopyTo(block, 100))];

        var made = await layer.UnpackAsync(
            Owned('5', "d", "0003750"), Owned('0', "d/suid", "0006711", B("x")), Owned('0', "d/none", "0000000", B("y")),
            Owned('2', "d/link", "0000777"), Owned('6', "d/fifo", "0000622"), Owned('5', "closed", "0000000"), Owned('0', "closed/in", "0000777"));

        Assert.Equal($"3750 {owner} 1000000000.123456789 directory", layer.Stat("d", "%a %u:%g %.9Y %F"));
        Assert.Equal($"6711 {owner} 1000000000.123456789 regular file", layer.Stat("d/suid", "%a %u:%g %.9Y %F"));
        Assert.Equal($"0 {owner} 1000000000.123456789 regular file", layer.Stat("d/none", "%a %u:%g %.9Y %F"));
        Assert.Equal($"{owner} 1000000000.123456789 symbolic link", layer.Stat("d/link", "%u:%g %.9Y %F"));
        Assert.Equal($"622 {owner} 1000000000.123456789 fifo", layer.Stat("d/fifo", "%a %u:%g %.9Y %F"));
        Assert.Equal($"0 {owner} 1000000000.123456789 directory", layer.Stat("closed", "%a %u:%g %.9Y %F"));
        Assert.Equal((7, 2), (made.Entries, made.FileBytes));
    }

    [Fact]
    public async Task Names_AreTheBytesTheyAre()
    {
        using var layer = new LayerFixture();
        var name = "\x80\xff\n\t\"'\\ :,=";
        await layer.UnpackAsync(Member('0', name, B("x")), Header('5', "A"), Header('5', "a"), Header('2', "to", link: name));

        using var directory = LayerFixture.Open(layer.Layer);
        Assert.Contains(name + "\0", SortedNames.Read(directory, "x"u8, 100).Select(bytes => S(bytes)));
        Assert.Equal("x", Tool.Run("sh", "-c", $"cat {layer.Layer}/to"));
    }

    [Fact]
    public async Task Whiteouts_AreOverlays_AndSpareWhatTheLayerBrings()
    {
        using var layer = new LayerFixture();
        var made = await layer.UnpackAsync(
            Header('5', "d"), Header('0', "d/.wh.gone"), Header('5', "o"), Header('0', "o/.wh..wh..opq"), Member('0', "o/new", B("n")),
            Member('0', "kept", B("k")), Header('0', ".wh.kept"), Header('0', ".wh.later"), Member('0', "later", B("l")),
            Header('5', "dir"), Member('0', "dir/f", B("f")), Header('0', ".wh.dir"), Header('0', ".wh.again"), Header('0', "again/f"),
            Header('0', ".wh..wh.plnk/1.2"), Header('0', ".wh..wh.aufs"), Header('0', ".wh.d/named"));

        Assert.True(layer.IsWhiteout("d/gone"));
        Assert.Equal("y", layer.Xattr("o", "user.overlay.opaque"));
        Assert.Equal(LayerFixture.IsRoot ? "y" : null, layer.Xattr("o", "trusted.overlay.opaque"));
        Assert.Equal(("n", "k", "l", "f"), (File.ReadAllText(layer["o/new"]), File.ReadAllText(layer["kept"]), File.ReadAllText(layer["later"]), File.ReadAllText(layer["dir/f"])));
        Assert.Equal("y", layer.Xattr("dir", "user.overlay.opaque"));
        Assert.Equal("y", layer.Xattr("again", "user.overlay.opaque"));
        Assert.True(File.Exists(layer[".wh.d/named"]));
        Assert.False(Path.Exists(layer[".wh..wh.plnk"]));
        Assert.False(made.IsOpaque);
        using var other = new LayerFixture();
        Assert.True((await other.UnpackAsync(Header('0', "./.wh..wh..opq"))).IsOpaque);
    }

    [Fact]
    public async Task ExtendedAttributes_AreOnlyThoseThatALayerMaySet()
    {
        using var layer = new LayerFixture();
        const string Capability = "\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
        (string, string)[] xattrs =
        [
            ("SCHILY.xattr.user.mine", "v\0w"), ("SCHILY.xattr.user.empty", ""), ("SCHILY.xattr.security.capability", Capability),
            ("SCHILY.xattr.trusted.overlay.opaque", "y"), ("SCHILY.xattr.trusted.overlay.redirect", "/../../etc"), ("SCHILY.xattr.user.overlay.opaque", "y"),
            ("SCHILY.xattr.user.overlay.metacopy", ""), ("SCHILY.xattr.security.selinux", "s"), ("SCHILY.xattr.security.ima", "i"),
            ("SCHILY.xattr.security.apparmor", "a"), ("SCHILY.xattr.system.posix_acl_access", "p"), ("SCHILY.xattr.trusted.x", "t"), ("SCHILY.xattr.user.", "n"),
        ];
        var made = await layer.UnpackAsync([.. Pax('x', xattrs), .. Member('0', "f", B("x"), change: block => B("0000444\0").CopyTo(block, 100))],
            [.. Pax('x', xattrs), .. Header('5', "d")], [.. Pax('x', xattrs), .. Header('2', "l", link: "f")]);

        foreach (var path in (string[])["f", "d"])
        {
            Assert.Equal("v\0w", layer.Xattr(path, "user.mine"));
            Assert.Equal("", layer.Xattr(path, "user.empty"));
            foreach (var (name, _) in xattrs.Skip(3))
            {
                Assert.Null(layer.Xattr(path, name["SCHILY.xattr.".Length..]));
            }
        }

        Assert.Equal(LayerFixture.IsRoot ? Capability : null, layer.Xattr("f", "security.capability"));
        Assert.Equal("444", layer.Stat("f", "%a"));
        Assert.True(made.DroppedXattrs >= 33, $"{made.DroppedXattrs} were dropped");
    }

    [Fact]
    public async Task Devices_AreLeftOut_OrRefused_AndNeverAWhiteout()
    {
        using var layer = new LayerFixture();
        byte[] Device(char type, string name, string major, string minor) => Header(type, name, change: block =>
        {
            B(major + "\0").CopyTo(block, 329);
            B(minor + "\0").CopyTo(block, 337);
        });
        byte[][] members = [Device('4', "disk", "0000010", "0000000"), Device('3', "mem", "0000001", "0000001"), Device('3', "whiteout", "0000000", "0000000")];

        Assert.Equal(3, (await layer.UnpackAsync(members)).SkippedDevices);
        Assert.Empty(Directory.GetFileSystemEntries(layer.Layer));
        await Assert.ThrowsAsync<ImageException>(() => layer.UnpackAsync(new MemoryStream(Archive(members)), devices: DeviceNodes.Refuse));
    }

    [Fact]
    public async Task DirectoriesWithoutEntry_AreMadeAndReported()
    {
        using var layer = new LayerFixture();
        var made = await layer.UnpackAsync(
            Header('0', "a/b/c/file"), Header('5', "a/b"), Header('2', "lib", link: "usr/lib"), Header('0', "lib/x"), Header('0', "lib/sub/y"), Header('5', "late"));

        Assert.Equal(["", "a", "a/b/c", "usr", "usr/lib", "usr/lib/sub"], made.ImplicitDirectories.Select(bytes => S(bytes)));
        Assert.Equal("755", layer.Stat("a", "%a"));
        Assert.Equal("755", layer.Stat(".", "%a"));
        using var whole = new LayerFixture();
        Assert.Empty((await whole.UnpackAsync(Header('5', "./", change: block => B("0000711\0").CopyTo(block, 100)), Header('0', "./f"))).ImplicitDirectories);
        Assert.Equal("711", whole.Stat(".", "%a"));
    }

    [Fact]
    public async Task TheDigest_IsOfEveryByte()
    {
        using var layer = new LayerFixture();
        byte[] archive = [.. Archive(Member('0', "a", B("x"))), .. new byte[10_000], 1, 2, 3];

        var made = await layer.UnpackAsync(new MemoryStream(archive));

        Assert.Equal(Digest.Of(archive), made.DiffId);
        Assert.Equal(archive.Length, made.Size);
    }

    [Theory]
    [InlineData("Gzip")]
    [InlineData("Zstd")]
    public async Task ACompressedLayer_CutShort_IsRefused(string kind)
    {
        using var layer = new LayerFixture();
        var random = new byte[100_000];
        new Random(1).NextBytes(random);
        var compressed = new MemoryStream();
        await using (var stream = LayerCompressions.Compress(compressed, Enum.Parse<LayerCompression>(kind)))
        {
            await stream.WriteAsync(Archive(Member('0', "a", random)), TestContext.Current.CancellationToken);
        }

        async Task<UnpackedLayer> Unpack(int length)
        {
            await using var content = await LayerCompressions.OpenAsync(
                new MemoryStream(compressed.ToArray()[..length]), null, LayerLimits.Default, TestContext.Current.CancellationToken);
            return await layer.UnpackAsync(content);
        }

        await Assert.ThrowsAsync<ImageException>(() => Unpack(50_000));
        Assert.Equal(Digest.Of(Archive(Member('0', "a", random))), (await Unpack((int)compressed.Length)).DiffId);
    }

    [Fact]
    public async Task SparseFiles_KeepTheirHoles()
    {
        using var layer = new LayerFixture();
        Tool.Run("sh", "-c", $"cd {layer.Root} && truncate -s 1G s && printf end | dd of=s bs=1 seek=1000000000 conv=notrunc status=none && tar -cSf s.tar s && rm s");
        try
        {
            await using var archive = File.OpenRead(layer.Root + "/s.tar");
            await layer.UnpackAsync(archive);
        }
        finally
        {
            File.Delete(layer.Root + "/s.tar");
        }

        Assert.Equal("1073741824", layer.Stat("s", "%s"));
        Assert.True(int.Parse(layer.Stat("s", "%b")) < 1000);
        Assert.Equal("end", Tool.Run("sh", "-c", $"tail -c +1000000001 {layer["s"]} | head -c 3"));
    }

    [Fact]
    public async Task Limits_AreNamed()
    {
        using var layer = new LayerFixture();
        async Task Exceeds(string name, LayerLimits limits, params byte[][] members) => Assert.Contains(
            "limit " + name, (await Assert.ThrowsAsync<ImageException>(() => layer.UnpackAsync(new MemoryStream(Archive(members)), limits))).Message, StringComparison.Ordinal);

        await Exceeds("Entries", new LayerLimits { Entries = 1 }, Header('5', "a"), Header('5', "b"));
        await Exceeds("UncompressedBytes", new LayerLimits { UncompressedBytes = 2000 }, Header('5', "a"), Header('5', "b"));
        await Exceeds("Depth", new LayerLimits(), [.. Pax('x', ("path", string.Join('/', Enumerable.Repeat("d", 257)))), .. Header('0', "f")]);
        await Exceeds("FileBytes", new LayerLimits(), [.. Pax('x', ("GNU.sparse.size", "9000000000000000000"), ("GNU.sparse.map", "0,1")), .. Member('0', "a", B("x"))]);
        Assert.Contains("255", await layer.RefusedAsync([.. Pax('x', ("path", new string('n', 256))), .. Header('0', "f")]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatIsHalfMade_CanBeRemoved_AndCancellationEndsIt()
    {
        using var layer = new LayerFixture();
        var half = Archive(
            Header('5', "closed", change: block => B("0000000\0").CopyTo(block, 100)), Header('0', "closed/deep/er/file"), Header('0', "closed/.wh.gone"),
            Header('6', "fifo"), Header('2', "link", link: "/etc"), Member('0', "cut", new byte[5000]));
        await Assert.ThrowsAsync<ImageException>(() => layer.UnpackAsync(new MemoryStream(half[..^4000])));
        DirectoryTree.Remove(layer.Layer);
        Assert.False(Path.Exists(layer.Layer));

        Directory.CreateDirectory(layer.Layer);
        using var stop = new CancellationTokenSource();
        using var directory = LayerFixture.Open(layer.Layer);
        var pipe = new System.IO.Pipelines.Pipe();
        await pipe.Writer.WriteAsync(Member('0', "a", B("x")), TestContext.Current.CancellationToken);
        var running = new LayerUnpacker(new OwnerAlone(), LayerLimits.Default).UnpackAsync(pipe.Reader.AsStream(), directory, stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    [Fact]
    public async Task ATreeOfTheHost_IsUnpackedAsTarDoes()
    {
        using var layer = new LayerFixture();
        Directory.CreateDirectory(layer.Canary[..^6] + "layer/../tar");
        try
        {
            Tool.Run("tar", "-C", "/", "--exclude=etc/ssl/private", "--ignore-failed-read", "-cf", layer.Root + "/tar/t", "usr/share/doc/tar", "usr/lib/os-release", "usr/share/zoneinfo", "usr/bin/perl");
            await using (var archive = File.OpenRead(layer.Root + "/tar/t"))
            {
                await layer.UnpackAsync(archive);
            }

            var rights = LayerFixture.IsRoot ? "-p" : "-o";
            Tool.Run("sh", "-c", $"cd {layer.Root}/tar && mkdir x && tar {rights} -C x -xf t");
            string List(string path) => Tool.Run("sh", "-c", $"cd {path} && find . -mindepth 1 -printf '%P %y %m %U:%G %s %n %l %T@\\n' | sort | grep -v '^usr d\\|^usr/[a-z]* d\\|^usr/share/[a-z]* d' | sed 's/ d \\([0-9]*\\) \\([0-9:]*\\) [0-9]* / d \\1 \\2 /'; find . -type f -exec sha256sum {{}} + | sort");
            Assert.Equal(List(layer.Root + "/tar/x"), List(layer.Layer));
        }
        finally
        {
            DirectoryTree.Remove(layer.Root + "/tar");
        }
    }
}
