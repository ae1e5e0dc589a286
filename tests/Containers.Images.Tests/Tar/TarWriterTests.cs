using Containers.Tar;
using static Containers.Tests.Tar.TarBytes;

namespace Containers.Tests.Tar;

[Trait("Category", "Rootless")]
public sealed class TarWriterTests
{
    public static TheoryData<int> Lengths => [1, 99, 100, 101, 155, 156, 255, 256, 257, 1000];

    [Theory]
    [MemberData(nameof(Lengths))]
    public async Task Names_OfAnyLength_AreReadBack(int length)
    {
        var name = string.Concat(Enumerable.Range(0, length).Select(i => i % 50 == 49 && i < length - 1 ? '/' : (char)('a' + (i % 26))));
        TarEntry[] entries =
        [
            new() { Kind = TarEntryKind.Directory, Path = B(name) },
            new() { Kind = TarEntryKind.File, Path = B(name[..^1] + "\xff"), Size = 3 },
            new() { Kind = TarEntryKind.SymbolicLink, Path = B("l"), LinkTarget = B(name) },
            new() { Kind = TarEntryKind.HardLink, Path = B(name), LinkTarget = B(name) },
        ];

        var read = await ReadAsync(await WriteAsync(entries));

        Assert.Equal([name + "/", name[..^1] + "\xff", "l", name], read.Select(entry => S(entry.Entry.Path)));
        Assert.Equal(["", "", name, name], read.Select(entry => S(entry.Entry.LinkTarget)));
        Assert.Equal(B("xxx"), read[1].Content);
    }

    [Fact]
    public async Task WhatUstarCannotSay_IsSaidInPax_AndNothingElse()
    {
        var entry = new TarEntry
        {
            Kind = TarEntryKind.File,
            Path = B("f"),
            Mode = 0xFFF,
            UserId = 4294967294,
            GroupId = 2097152,
            Modified = new TarTime(-2, 999_999_999),
            Xattrs = [new(B("user.z"), B("1\n\0")), new(B("security.capability"), B("\x01"))],
        };

        var bytes = await WriteAsync([entry, new() { Kind = TarEntryKind.File, Path = B("plain"), UserId = 2097151 }]);
        var read = await ReadAsync(bytes);

        Assert.Equal((0xFFFu, 4294967294u, 2097152u), (read[0].Entry.Mode, read[0].Entry.UserId, read[0].Entry.GroupId));
        Assert.Equal(entry.Modified, read[0].Entry.Modified);
        Assert.Equal(["security.capability=\x01", "user.z=1\n\0"], read[0].Entry.Xattrs.Select(xattr => $"{S(xattr.Name)}={S(xattr.Value)}"));
        Assert.Equal(512 + 512 + 512 + 512 + 1024, bytes.Length);
        Assert.Equal(2097151u, read[1].Entry.UserId);
        Assert.Equal(new TarTime(0), read[1].Entry.Modified);
    }

    [Fact]
    public async Task GnuTarAndPython_ReadWhatIsWritten()
    {
        using var directory = new TemporaryDirectory();
        var name = string.Join('/', Enumerable.Repeat(new string('n', 120), 3));
        await File.WriteAllBytesAsync(directory["tar"], await WriteAsync([
            new() { Kind = TarEntryKind.Directory, Path = B("d"), Mode = 0x1ED, Modified = new(1_000_000_000, 5) },
            new() { Kind = TarEntryKind.File, Path = B(name), Size = 5, Modified = new(1_000_000_000, 500_000_000) },
            new() { Kind = TarEntryKind.SymbolicLink, Path = B("d/l"), LinkTarget = B("../" + name) },
            new() { Kind = TarEntryKind.CharacterDevice, Path = B("d/null"), DeviceMajor = 1, DeviceMinor = 3 },
        ]), TestContext.Current.CancellationToken);

        var listed = Tool.Run("tar", "--utc", "--full-time", "--numeric-owner", "-tvf", directory["tar"]);
        Assert.Contains("2001-09-09 01:46:40.5", listed, StringComparison.Ordinal);
        Assert.Contains("2001-09-09 01:46:40.000000005 d/", listed, StringComparison.Ordinal);
        Assert.Contains("d/l -> ../" + name, listed, StringComparison.Ordinal);
        Assert.Contains("1,3", listed, StringComparison.Ordinal);
        Assert.Equal("4 1000000000.5\n", Tool.Run("python3", "-c", $"import tarfile; t=tarfile.open('{directory["tar"]}'); m=t.getmembers(); print(len(m), m[1].mtime)"));
    }

    [Fact]
    public async Task TheSameMembers_AreTheSameBytes_AndContentMustBeWhole()
    {
        TarEntry[] entries = [new() { Kind = TarEntryKind.File, Path = B("f"), Size = 70_000 }, new() { Kind = TarEntryKind.Fifo, Path = B("p") }];
        Assert.Equal(await WriteAsync(entries), await WriteAsync(entries));

        using var writer = new TarWriter(new MemoryStream());
        await Assert.ThrowsAsync<ImageException>(() => writer.WriteAsync(entries[0], new MemoryStream(new byte[10]), TestContext.Current.CancellationToken).AsTask());
        using var second = new TarWriter(new MemoryStream());
        await Assert.ThrowsAsync<ArgumentException>(() => second.WriteAsync(entries[1], B("x"), TestContext.Current.CancellationToken).AsTask());
        await Assert.ThrowsAsync<ImageException>(() => second.WriteAsync(
            new() { Kind = TarEntryKind.File, Path = B("a\0b") }, default(ReadOnlyMemory<byte>), TestContext.Current.CancellationToken).AsTask());
    }

    private static async Task<byte[]> WriteAsync(IEnumerable<TarEntry> entries)
    {
        var archive = new MemoryStream();
        using var writer = new TarWriter(archive);
        foreach (var entry in entries)
        {
            await writer.WriteAsync(entry, Enumerable.Repeat((byte)'x', (int)entry.Size).ToArray(), TestContext.Current.CancellationToken);
        }

        await writer.CompleteAsync(TestContext.Current.CancellationToken);
        Assert.Equal(archive.Length, writer.Length);
        return archive.ToArray();
    }
}
