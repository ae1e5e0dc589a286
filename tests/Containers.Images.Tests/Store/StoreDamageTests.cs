using System.Security.Cryptography;
using Containers.Oci;
using Containers.Store;

namespace Containers.Tests.Store;

[Trait("Category", "Rootless")]
public sealed class StoreDamageTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Garbage_InAnyFileOfTheStore_IsReportedAndRepairedByTheNextPull()
    {
        var image = await SampleImage.CreateAsync(3);
        using (var store = ContentStore.Open(_directory["store"]))
        {
            await image.StoreAsync(store);
        }

        var files = Directory.EnumerateFiles(_directory["store"], "*", SearchOption.AllDirectories)
            .Where(static file => !file.Contains("/layers/", StringComparison.Ordinal)).ToList();
        Assert.True(files.Count > 8);
        foreach (var garbage in (byte[][])[[], new byte[100], RandomNumberGenerator.GetBytes(100), "{\"schemaVersion\":2,\"layers\":null}"u8.ToArray()])
        {
            foreach (var file in files.Where(File.Exists))
            {
                await File.WriteAllBytesAsync(file, garbage);
                using var store = ContentStore.Open(_directory["store"]);
                _ = store.Tags.List();
                await store.Verifier.VerifyAsync(repair: true);
                await store.Collector.PruneAsync(new PruneOptions { Scope = PruneScope.Orphans });
                await image.StoreAsync(store);
                Assert.Empty(await store.Verifier.VerifyAsync(repair: false));
                Assert.Equal(image.Target, store.Tags.Get(image.Name));
                await store.UsageAsync();
            }
        }
    }

    [Fact]
    public async Task Verify_FindsAFlippedBit_AndRepairDropsTheBlob()
    {
        using var store = ContentStore.Open(_directory["store"]);
        var image = await SampleImage.CreateAsync(3);
        await image.StoreAsync(store, unpack: false);
        var digest = Digest.Of(image.Blobs[1]);
        using (var file = File.Open(_directory[$"store/blobs/sha256/{digest.Hex}"], FileMode.Open))
        {
            file.Position = 100;
            file.WriteByte((byte)~image.Blobs[1][100]);
        }

        Assert.Equal((StoreProblemKind.CorruptBlob, false), Assert.Single((await store.Verifier.VerifyAsync(repair: false)).Select(static p => (p.Kind, p.IsRepaired))));
        var problems = await store.Verifier.VerifyAsync(repair: true);
        Assert.Equal([StoreProblemKind.CorruptBlob, StoreProblemKind.MissingLayer, StoreProblemKind.DanglingTag], problems.Select(static problem => problem.Kind));
        Assert.Null(store.Tags.Get(image.Name));
        await image.StoreAsync(store, unpack: false);
        Assert.Empty(await store.Verifier.VerifyAsync(repair: false));
    }

    [Fact]
    public async Task Strangers_AmongBlobsAndLayers_AreSetAside()
    {
        using var store = ContentStore.Open(_directory["store"]);
        await File.WriteAllTextAsync(_directory["store/blobs/sha256/notes.txt"], "mine");
        Directory.CreateDirectory(_directory["store/layers/backup"]);
        Assert.Equal(2, (await store.Verifier.VerifyAsync(repair: true)).Count);
        Assert.Equal(2, Directory.EnumerateFileSystemEntries(_directory["store/aside"]).Count());
        Assert.Empty(await store.Verifier.VerifyAsync(repair: false));
    }

    [Fact]
    public void Store_OfALaterVersion_IsLeftAlone()
    {
        ContentStore.Open(_directory["store"]).Dispose();
        File.WriteAllText(_directory["store/version"], "2\n");
        Assert.Contains("layout 2", Assert.Throws<ImageException>(() => ContentStore.Open(_directory["store"])).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_directory["store/sessions"]));
    }

    [Fact]
    public void Store_ThatOthersCanEnter_IsRefused()
    {
        Directory.CreateDirectory(_directory["store"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherExecute);
        Assert.Contains("chmod 700", Assert.Throws<ImageException>(() => ContentStore.Open(_directory["store"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Store_InAPlaceThatIsNoDirectory_IsRefused()
    {
        File.WriteAllText(_directory["file"], string.Empty);
        Assert.ThrowsAny<ContainerException>(() => ContentStore.Open(_directory["file"]));
    }

    [Fact]
    public void ClosedStore_LeavesNoSession()
    {
        ContentStore.Open(_directory["store"]).Dispose();
        Assert.Empty(Directory.EnumerateFileSystemEntries(_directory["store/sessions"]));
    }
}
