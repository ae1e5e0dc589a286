using Containers.Interop;
using Containers.Oci;
using Containers.Tests.Fixtures;
using Containers.Tests.Tar;

namespace Containers.Tests.Pulling;

/// <summary>Needs to mount, and runs a container as root.</summary>
public sealed class FullDiskPullTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("blob")]
    [InlineData("layer")]
    [InlineData("documents")]
    public async Task AFullDisk_IsNamedWithTheRemedy_AndSparesWhatIsThere(string what)
    {
        Assert.SkipUnless(Libc.EffectiveUserId() == 0, "only root can mount");
        var first = PulledImage.CreateRunnable((1, 1000));
        var text = TarBytes.Archive(TarBytes.Member('0', "text", [.. Enumerable.Range(0, 6 << 20).Select(static i => (byte)('a' + (i % 23)))]));
        var image = what switch
        {
            "blob" => PulledImage.Create((2, 6 << 20)),
            "layer" => PulledImage.Of([PulledImage.Gzip(text)], [Digest.Of(text)]),
            _ => PulledImage.Create((2, 10)),
        };
        await using var registry = await MemoryRegistry.StartAsync(first);
        registry.Add(image, "2");
        Directory.CreateDirectory(_directory["disk"]);
        Tool.Run("mount", "-t", "tmpfs", "-o", "size=7m,mode=700", "tmpfs", _directory["disk"]);
        try
        {
            var store = _directory["disk/store"];
            await using var engine = new ContainerEngine(new ContainerEngineOptions { Images = { Directory = store } });
            await engine.Images.PullAsync(registry.Reference);
            var running = await engine.StartAsync(Run(registry.Reference, "sleep", "1000"));
            await using (running)
            {
                if (what == "documents")
                {
                    using var filler = new FileStream(_directory["disk/filler"], FileMode.Create, FileAccess.Write, FileShare.None, 0);
                    Assert.ThrowsAny<IOException>(() => Fill(filler));
                }

                var full = await Assert.ThrowsAsync<ImageException>(() => engine.Images.PullAsync(registry["2"]));
                Assert.Equal((int)Errno.ENOSPC, full.ErrorNumber);
                Assert.Contains(store, full.Message, StringComparison.Ordinal);
                Assert.Contains("prune unused images, free space on it, or use a store elsewhere", full.Message, StringComparison.Ordinal);

                Assert.Empty(await engine.Images.VerifyAsync());
                Assert.Equal([registry.Reference], (await engine.Images.ListAsync()).SelectMany(static image => image.Names));
                Assert.Equal(0, (await running.ExecAsync("/bin/busybox", "cat", "/data-1")).ExitCode);
                Assert.True((await engine.RunAsync(Run(registry.Reference, "true"))).IsSuccess);
            }

            File.Delete(_directory["disk/filler"]);
            Tool.Run("mount", "-o", "remount,size=64m", _directory["disk"]);
            Assert.Equal(image.Digest.ToString(), (await engine.Images.PullAsync(registry["2"])).Digest);
            await engine.DisposeAsync();
            using var after = new PullingStore(store);
            await after.RequireCleanAfterPruneAsync();
        }
        finally
        {
            Tool.Run("umount", "-l", _directory["disk"]);
        }
    }

    private static ContainerBuilder Run(string reference, params string[] command) =>
        ContainerBuilder.FromImage(reference).WithCommand(["/bin/busybox", .. command]).WithTimeout(TimeSpan.FromSeconds(60));

    private static void Fill(FileStream file)
    {
        while (true)
        {
            file.Write(new byte[4096]);
        }
    }
}
