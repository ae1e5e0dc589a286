using System.Security.Cryptography;
using Containers.Oci;
using Containers.Store;

namespace Containers.Tests.Store;

[Trait("Category", "Rootless")]
public sealed class BlobStoreTests : IDisposable
{
    private static readonly byte[] Content = RandomNumberGenerator.GetBytes(300_000);
    private readonly TemporaryDirectory _directory = new();
    private readonly ContentStore _store;

    public BlobStoreTests() => _store = ContentStore.Open(_directory["store"]);

    public void Dispose()
    {
        _store.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task Blob_IsReadBackAsItWasWritten()
    {
        await using var hold = _store.Hold();
        var digest = await _store.Blobs.WriteAsync(hold, Content);
        Assert.Equal(Digest.Of(Content), digest);
        Assert.Equal(Content.Length, _store.Blobs.Size(digest));
        Assert.Equal(Content, await _store.Blobs.ReadDocumentAsync(digest));
        await using var stream = _store.Blobs.OpenRead(digest);
        var read = new MemoryStream();
        await stream.CopyToAsync(read);
        Assert.Equal(Content, read.ToArray());
    }

    [Theory]
    [InlineData("sha256")]
    [InlineData("sha512")]
    public async Task Blob_OfEitherAlgorithm_IsCheckedWhileItIsWritten(string algorithm)
    {
        var digest = algorithm == "sha512" ? Digest.FromSha512(SHA512.HashData(Content)) : Digest.Of(Content);
        await using var hold = _store.Hold();
        await using (var writer = _store.Blobs.Create(hold, digest, Content.Length))
        {
            await writer.CopyFromAsync(new MemoryStream(Content));
            Assert.Equal(digest, await writer.CommitAsync());
        }

        Assert.True(await _store.Blobs.VerifyAsync(digest));
        Assert.Equal((digest, (long)Content.Length), Assert.Single(_store.Blobs.List()));
    }

    [Theory]
    [InlineData("flipped")]
    [InlineData("truncated")]
    [InlineData("appended")]
    [InlineData("size")]
    public async Task Blob_ThatIsNotWhatWasPromised_IsRefusedAndNothingOfItStays(string how)
    {
        var bytes = how switch
        {
            "truncated" => Content[..^1],
            "appended" => [.. Content, 0],
            _ => (byte[])Content.Clone(),
        };
        bytes[1000] ^= (byte)(how == "flipped" ? 1 : 0);
        long? size = how is "flipped" ? Content.Length : how == "size" ? Content.Length + 1 : null;
        await using var hold = _store.Hold();
        await using (var writer = _store.Blobs.Create(hold, Digest.Of(Content), size))
        {
            await Assert.ThrowsAsync<ImageException>(async () =>
            {
                await writer.CopyFromAsync(new MemoryStream(bytes));
                await writer.CommitAsync();
            });
        }

        Assert.Empty(_store.Blobs.List());
        Assert.DoesNotContain(Files(), static file => file.Contains("/partial/", StringComparison.Ordinal) || new FileInfo(file).Length > 100_000);
    }

    [Fact]
    public async Task Blob_LongerThanPromised_IsRefusedBeforeItFillsTheDisk()
    {
        await using var hold = _store.Hold();
        await using var writer = await _store.Blobs.BeginAsync(hold, Digest.Of(Content), 1000);
        await Assert.ThrowsAsync<ImageException>(async () => await writer!.CopyFromAsync(new MemoryStream(Content)));
        Assert.True(writer!.Length <= 1000);
    }

    [Fact]
    public async Task Download_ContinuesWhereAnEarlierOneStopped()
    {
        var digest = Digest.Of(Content);
        await using var hold = _store.Hold();
        await using (var writer = await _store.Blobs.BeginAsync(hold, digest, Content.Length))
        {
            await writer!.WriteAsync(Content.AsMemory(0, 123_456));
        }

        await using (var writer = await _store.Blobs.BeginAsync(hold, digest, Content.Length))
        {
            Assert.Equal(123_456, writer!.Length);
            await writer.WriteAsync(Content.AsMemory(123_456));
            await writer.CommitAsync();
        }

        Assert.Equal(Content, await _store.Blobs.ReadDocumentAsync(digest));
        Assert.Empty(Directory.EnumerateFiles(_directory["store/partial"]));
    }

    [Fact]
    public async Task Download_WhoseEarlierPartIsDamaged_BeginsAgain()
    {
        var digest = Digest.Of(Content);
        var partial = _directory[$"store/partial/sha256-{digest.Hex}"];
        await File.WriteAllBytesAsync(partial, new byte[1000]);
        await using var hold = _store.Hold();
        await using (var writer = await _store.Blobs.BeginAsync(hold, digest, Content.Length))
        {
            await writer!.WriteAsync(Content.AsMemory(1000));
            await Assert.ThrowsAsync<ImageException>(async () => await writer.CommitAsync());
        }

        await using var again = await _store.Blobs.BeginAsync(hold, digest, Content.Length);
        Assert.Equal(0, again!.Length);
    }

    [Fact]
    public async Task SecondDownloadOfABlob_WaitsForTheFirstAndHasNothingToDo()
    {
        var digest = Digest.Of(Content);
        await using var hold = _store.Hold();
        var first = await _store.Blobs.BeginAsync(hold, digest, Content.Length);
        var second = _store.Blobs.BeginAsync(hold, digest, Content.Length).AsTask();
        using var impatient = new CancellationTokenSource(50);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await _store.Blobs.BeginAsync(hold, digest, Content.Length, impatient.Token));
        Assert.False(second.IsCompleted);
        await first!.WriteAsync(Content);
        await first.CommitAsync();
        await first.DisposeAsync();
        Assert.Null(await second.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task ThirtyTwoWriters_OfTheSameBlobs_AllSucceed()
    {
        var blobs = Enumerable.Range(0, 4).Select(static i => RandomNumberGenerator.GetBytes(50_000 + i)).ToList();
        await Task.WhenAll(Enumerable.Range(0, 32).Select(i => Task.Run(async () =>
        {
            using var store = ContentStore.Open(_directory["store"]);
            await using var hold = store.Hold();
            foreach (var blob in blobs)
            {
                await using var writer = i % 2 == 0 ? store.Blobs.Create(hold, Digest.Of(blob), blob.Length) : await store.Blobs.BeginAsync(hold, Digest.Of(blob), blob.Length);
                if (writer is not null)
                {
                    await writer.WriteAsync(blob.AsMemory((int)writer.Length));
                    await writer.CommitAsync();
                }
            }
        })));
        Assert.Equal(4, _store.Blobs.List().Count());
        Assert.Empty(await _store.Verifier.VerifyAsync(repair: false));
        Assert.Empty(Directory.EnumerateFiles(_directory["store/partial"]));
    }

    [Fact]
    public async Task Document_ThatIsChangedOnTheDisk_IsNotReturned()
    {
        await using var hold = _store.Hold();
        var digest = await _store.Blobs.WriteAsync(hold, "{}"u8.ToArray());
        await File.WriteAllTextAsync(_directory[$"store/blobs/sha256/{digest.Hex}"], "[]");
        var exception = await Assert.ThrowsAsync<ImageException>(async () => await _store.Blobs.ReadDocumentAsync(digest));
        Assert.Contains("pull the image again", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Document_LargerThanAnyMayBe_IsNotRead()
    {
        await using var hold = _store.Hold();
        var digest = await _store.Blobs.WriteAsync(hold, new byte[BlobStore.MaxDocumentSize + 1]);
        await Assert.ThrowsAsync<ImageException>(async () => await _store.Blobs.ReadDocumentAsync(digest));
    }

    private IEnumerable<string> Files() => Directory.EnumerateFiles(_directory["store"], "*", SearchOption.AllDirectories);
}
