using System.Security.Cryptography;
using Containers.Interop;
using Containers.Oci;
using Containers.Store;

namespace Containers.Tests.Store;

/// <summary>Needs to mount.</summary>
public sealed class FullDiskTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task FullDisk_LeavesNothingHalfWrittenAndSaysWhatToDo()
    {
        Assert.SkipUnless(Libc.EffectiveUserId() == 0, "only root can mount");
        Directory.CreateDirectory(_directory["disk"]);
        Tool.Run("mount", "-t", "tmpfs", "-o", "size=512k,mode=700", "tmpfs", _directory["disk"]);
        try
        {
            using var store = ContentStore.Open(_directory["disk"]);
            var image = await SampleImage.CreateAsync(2);
            await image.StoreAsync(store, unpack: false);
            var before = Directory.EnumerateFiles(_directory["disk"], "*", SearchOption.AllDirectories).Order().ToList();
            var large = RandomNumberGenerator.GetBytes(1 << 20);
            await using (var hold = store.Hold())
            {
                await CheckAsync(async () =>
                {
                    await using var writer = await store.Blobs.BeginAsync(hold, Digest.Of(large), large.Length);
                    await writer!.CopyFromAsync(new MemoryStream(large));
                });
                await CheckAsync(async () => await store.Blobs.WriteAsync(hold, large));
            }

            File.Delete(Path.Combine(Directory.EnumerateDirectories(_directory["disk/sessions"]).Single(), "held"));
            var after = Directory.EnumerateFiles(_directory["disk"], "*", SearchOption.AllDirectories).Order().ToList();
            Assert.Equal(before.Where(static file => !file.EndsWith("/held", StringComparison.Ordinal)), after);
            Assert.Empty(await store.Verifier.VerifyAsync(repair: false));

            // To the last byte: then not even a tag or a session fits.
            using (var filler = new FileStream(_directory["disk/filler"], FileMode.Create, FileAccess.Write, FileShare.None, 0))
            {
                Assert.ThrowsAny<IOException>(() => Fill(filler));
            }

            await CheckAsync(async () => await store.Tags.SetAsync("another", image.Target));
            await CheckAsync(async () => await store.Tags.SetAsync(image.Name, image.Target));
            Assert.Equal(image.Target, store.Tags.Get(image.Name));
            File.Delete(_directory["disk/filler"]);
            await store.Tags.SetAsync("another", image.Target);
            Assert.Empty(await store.Verifier.VerifyAsync(repair: false));
        }
        finally
        {
            Tool.Run("umount", "-l", _directory["disk"]);
        }

        static void Fill(FileStream file)
        {
            while (true)
            {
                file.Write(new byte[4096]);
            }
        }

        async Task CheckAsync(Func<Task> store)
        {
            var exception = await Assert.ThrowsAsync<ImageException>(store);
            Assert.Equal((int)Errno.ENOSPC, exception.ErrorNumber);
            Assert.StartsWith(_directory["disk"], exception.Path, StringComparison.Ordinal);
            Assert.Contains("prune", exception.Remedy, StringComparison.Ordinal);
        }
    }
}
