using Containers.Tar;
using static Containers.Tests.Tar.TarBytes;

namespace Containers.Tests.Tar;

[Trait("Category", "Rootless")]
public sealed class TarReaderTests
{
    [Theory]
    [InlineData("v7")]
    [InlineData("oldgnu")]
    [InlineData("gnu")]
    [InlineData("ustar")]
    [InlineData("pax")]
    public async Task WhatGnuTarWrites_IsReadAsItWas(string format)
    {
        using var directory = new TemporaryDirectory();
        Directory.CreateDirectory(directory["tree/d"]);
        File.WriteAllText(directory["tree/d/file"], new string('x', 100_000));
        File.SetUnixFileMode(directory["tree/d/file"], (UnixFileMode)0x9ED); // 04755
        File.CreateSymbolicLink(directory["tree/link"], "d/file");
        Tool.Run("ln", directory["tree/d/file"], directory["tree/name"]);
        Tool.Run("tar", "--format", format, "--sort=name", "-C", directory["tree"], "-cf", directory["tar"], ".");

        await using var archive = File.OpenRead(directory["tar"]);
        var entries = await ReadAsync(archive);

        Assert.Equal(["./", "./d/", "./d/file", "./link", "./name"], entries.Select(entry => S(entry.Entry.Path)));
        Assert.Equal(
            [TarEntryKind.Directory, TarEntryKind.Directory, TarEntryKind.File, TarEntryKind.SymbolicLink, TarEntryKind.HardLink],
            entries.Select(entry => entry.Entry.Kind));
        Assert.Equal(0x9EDu, entries[2].Entry.Mode);
        Assert.Equal(100_000, entries[2].Content.Length);
        Assert.All(entries[2].Content, value => Assert.Equal((byte)'x', value));
        Assert.Equal("d/file", S(entries[3].Entry.LinkTarget));
        Assert.Equal("./d/file", S(entries[4].Entry.LinkTarget));
        var written = (File.GetLastWriteTimeUtc(directory["tree/d/file"]) - DateTime.UnixEpoch).Ticks;
        Assert.Equal(written / 10_000_000, entries[2].Entry.Modified.Seconds);
        Assert.Equal(format == "pax" ? written % 10_000_000 : 0, entries[2].Entry.Modified.Nanoseconds / 100);
    }

    [Theory]
    [InlineData("gnu")]
    [InlineData("pax")]
    public async Task LongNames_AreRead(string format)
    {
        using var directory = new TemporaryDirectory();
        var folder = string.Join('/', Enumerable.Repeat(new string('n', 200), 5));
        Directory.CreateDirectory(directory["tree/" + folder]);
        File.CreateSymbolicLink(directory[$"tree/{folder}/link"], new string('t', 500));
        Tool.Run("tar", "--format", format, "-C", directory["tree"], "-cf", directory["tar"], folder + "/link");

        await using var archive = File.OpenRead(directory["tar"]);
        var (entry, _) = Assert.Single(await ReadAsync(archive));

        Assert.Equal(folder + "/link", S(entry.Path));
        Assert.Equal(new string('t', 500), S(entry.LinkTarget));
    }

    [Theory]
    [InlineData("gnu", "0.0")]
    [InlineData("pax", "0.0")]
    [InlineData("pax", "0.1")]
    [InlineData("pax", "1.0")]
    public async Task SparseFiles_AreReadWithTheirHoles(string format, string version)
    {
        using var directory = new TemporaryDirectory();
        const int Segments = 60;
        using (var file = File.Create(directory["sparse"]))
        {
            for (var i = 0; i < Segments; i++)
            {
                file.Position = i * 200_000L;
                file.Write(B("data" + i));
            }

            file.SetLength(Segments * 200_000L);
        }

        Tool.Run("tar", "--format", format, "--sparse", "--sparse-version", version, "-C", directory.Path, "-cf", directory["tar"], "sparse");
        await using var archive = File.OpenRead(directory["tar"]);
        var (entry, content) = Assert.Single(await ReadAsync(archive));

        Assert.Equal("sparse", S(entry.Path));
        Assert.Equal(Segments * 200_000L, entry.Size);
        Assert.True(content.Length < 1_000_000, $"{content.Length} bytes are stored");
        var whole = new byte[entry.Size];
        var at = 0;
        foreach (var segment in entry.Segments!)
        {
            content.AsSpan(at, (int)segment.Length).CopyTo(whole.AsSpan((int)segment.Offset));
            at += (int)segment.Length;
        }

        var expected = await File.ReadAllBytesAsync(directory["sparse"], TestContext.Current.CancellationToken);
        Assert.True(whole.AsSpan().SequenceEqual(expected));
    }

    [Fact]
    public async Task PaxRecords_OfAllMembers_AndOfOne()
    {
        var entries = await ReadAsync(Archive(
            Pax('g', ("uid", "7"), ("SCHILY.xattr.user.all", "a\0b")),
            Pax('x', ("path", "long\xff"), ("uid", "3000000000"), ("gid", "5"), ("mtime", "-1.25"), ("SCHILY.xattr.user.one", ""), ("comment", "none")),
            Member('0', "short", B("12345")),
            Member('0', "next", [])));

        var first = entries[0].Entry;
        Assert.Equal(("long\xff", 3000000000u, 5u, 5L), (S(first.Path), first.UserId, first.GroupId, first.Size));
        Assert.Equal(new TarTime(-2, 750_000_000), first.Modified);
        Assert.Equal(["user.all=a\0b", "user.one="], first.Xattrs.Select(xattr => $"{S(xattr.Name)}={S(xattr.Value)}"));
        Assert.Equal(("next", 7u), (S(entries[1].Entry.Path), entries[1].Entry.UserId));
    }

    [Fact]
    public async Task Numbers_InBase256_AndTimesBeforeTheEpoch()
    {
        var entries = await ReadAsync(Archive(
            Header('0', "a", change: block =>
            {
                new byte[] { 0x80, 0, 0, 0, 0x12, 0x34, 0x56, 0x78 }.CopyTo(block, 108);
                Enumerable.Repeat((byte)0xff, 12).ToArray().CopyTo(block, 136);
            }),
            Header('0', "b", change: block => B("    17 \0").CopyTo(block, 116))));

        Assert.Equal(0x12345678u, entries[0].Entry.UserId);
        Assert.Equal(new TarTime(-1), entries[0].Entry.Modified);
        Assert.Equal(15u, entries[1].Entry.GroupId);
    }

    [Fact]
    public async Task TheEnd_IsTwoBlocksOfZeros_OrTheEndOfTheStream()
    {
        Assert.Empty(await ReadAsync([]));
        Assert.Empty(await ReadAsync(new byte[512]));
        Assert.Single(await ReadAsync(Member('0', "a", B("x"))));
        Assert.Single(await ReadAsync([.. Member('0', "a", B("x")), .. new byte[512]]));
        Assert.Single(await ReadAsync([.. Archive(Member('0', "a", B("x"))), .. B("garbage"), .. Member('0', "b", [])]));
        await RefusedAsync("lone block", [.. Member('0', "a", []), .. new byte[512], .. Member('0', "b", [])]);
    }

    [Fact]
    public async Task AnArchiveCutShort_Throws_WhereverItIs()
    {
        byte[] whole = [.. Pax('x', ("path", "p")), .. Member('0', "a", new byte[1000]), .. Header('L', "l", 5), .. Padded(B("name\0")), .. Header('0', "")];
        for (var length = 1; length < whole.Length; length += 37)
        {
            // Between two members nothing is missing, nor where a content has ended and its block has not.
            if (length % 512 != 0 && length is not (> 2536 and < 2560))
            {
                await RefusedAsync("ends in the middle", whole[..length]);
            }
        }

        var last = Assert.Single(await ReadAsync(whole[..2536]));
        Assert.Equal(("p", 1000), (S(last.Entry.Path), last.Content.Length));
        await RefusedAsync("ends in the middle", whole[..2535]);
        await RefusedAsync("ends in the middle", whole[..1024]);
        await RefusedAsync("ends in the middle", [.. whole[..1024], .. new byte[1024]]);
    }

    [Fact]
    public async Task WhatCannotBeRight_IsRefused()
    {
        await RefusedAsync("checksum", [.. Member('0', "a", []).Select((value, i) => i == 3 ? (byte)'x' : value)]);
        await RefusedAsync("'Z'", Archive(Header('Z', "a")));
        await RefusedAsync("no number", Archive(Header('0', "a", change: block => B("9999999\0").CopyTo(block, 100))));
        await RefusedAsync("negative", Archive(Header('0', "a", change: block => Enumerable.Repeat((byte)0xff, 12).ToArray().CopyTo(block, 124))));
        await RefusedAsync("owner is 4294967295", Archive(Pax('x', ("uid", "4294967295")), Header('0', "a")));
        await RefusedAsync("owner is -1", Archive(Header('0', "a", change: block => Enumerable.Repeat((byte)0xff, 8).ToArray().CopyTo(block, 108))));
        foreach (var record in (string[])["5", "99 a=b\n", "6 a=b", "5 =b\n", "-6 a=b\n", "4 a\n\n", "0 a=b\n"])
        {
            await RefusedAsync("PAX", Archive(Member('x', "x", B(record)), Header('0', "a")));
        }

        foreach (var (key, value) in ((string, string)[])[
            ("path", "a\0b"), ("linkpath", "a\0b"), ("size", "-1"), ("size", "1e3"), ("uid", "-5"), ("mtime", "now"), ("mtime", "1.x"), ("mtime", "-"),
            ("SCHILY.xattr.", "x"), ("SCHILY.xattr.user.a\0b", "x"), ("GNU.sparse.map", "1,2,3"), ("GNU.sparse.major", "2"), ("GNU.sparse.numbytes", "5")])
        {
            await RefusedAsync("PAX", Archive(Pax('x', (key, value)), Header('0', "a")));
        }
    }

    [Fact]
    public async Task MapsOfHoles_ThatDoNotFit_AreRefused()
    {
        foreach (var map in (string[])["5,1,0,1", "0,2", "0,3", "9,2", "0,9223372036854775807,9223372036854775807,1", "0,1,0,1"])
        {
            await RefusedAsync("map of holes", Archive(Pax('x', ("GNU.sparse.size", "10"), ("GNU.sparse.map", map)), Member('0', "a", B("x"))));
        }

        await RefusedAsync("map of holes", Archive(
            Pax('x', ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "10")), Member('0', "a", B("1\n0\n"))));
        await RefusedAsync("map of holes", Archive(
            Pax('x', ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "10")), Member('0', "a", new byte[512])));
    }

    [Fact]
    public async Task Limits_BoundWhatOneMemberMayAsk()
    {
        // A PAX header of 1 GiB, many small ones, long names and maps: refused at the header, before anything is read or kept.
        await RefusedAsync("past a limit", Header('x', "x", 1 << 30));
        await RefusedAsync("past a limit", Header('L', "x", 8L << 30 >> 1));
        await RefusedAsync("past a limit", [.. Enumerable.Range(0, 3000).SelectMany(_ => Pax('x', ("comment", "c")))]);
        await RefusedAsync("longer than 4096", Archive(Pax('x', ("path", new string('p', 4097))), Header('0', "a")));
        await RefusedAsync("PAX", Archive(Pax('x', [.. Enumerable.Range(0, 1025).Select(i => ($"SCHILY.xattr.user.{i}", "x"))]), Header('0', "a")));
        await RefusedAsync("more than 262144 segments", Archive(
            Pax('x', ("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "10")), Member('0', "a", Padded(B("100000000\n")))));
        var extension = new byte[512];
        for (var i = 0; i < 21; i++)
        {
            B("00000000000\0" + "00000000000\0").CopyTo(extension, i * 24);
        }

        extension[504] = 1;
        var limits = new TarLimits { SparseSegments = 1000 };
        byte[] old = [.. Header('S', "a", change: block => block[482] = 1), .. Enumerable.Range(0, 100).SelectMany(_ => extension)];
        Assert.Contains("more than 1000 segments", (await Assert.ThrowsAsync<ImageException>(() => ReadAsync(old, limits))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Content_IsAStreamOfTheMember_AndWhatIsLeftIsSkipped()
    {
        using var reader = new TarReader(new MemoryStream(Archive(Member('0', "a", B("first")), Member('0', "b", B("second")))));
        Assert.NotNull(await reader.ReadEntryAsync(TestContext.Current.CancellationToken));
        var two = new byte[2];
        await reader.Content.ReadExactlyAsync(two, TestContext.Current.CancellationToken);
        Assert.NotNull(await reader.ReadEntryAsync(TestContext.Current.CancellationToken));
        using var text = new StreamReader(reader.Content);

        Assert.Equal(B("fi"), two);
        Assert.Equal("second", await text.ReadToEndAsync(TestContext.Current.CancellationToken));
    }

    private static async Task RefusedAsync(string why, byte[] archive) =>
        Assert.Contains(why, (await Assert.ThrowsAsync<ImageException>(() => ReadAsync(archive))).Message, StringComparison.Ordinal);
}
