using System.Text;
using Containers.Interop;
using Containers.Layers;
using Containers.Oci;
using Containers.RootFilesystems;
using Containers.UserNamespaces;
using static Containers.Tests.Tar.TarBytes;

namespace Containers.Tests.Layers;

public sealed class LayerPackerTests
{
    [Fact]
    public async Task AnUpperDirectory_PackedAndUnpacked_ShowsTheSameTree()
    {
        Assert.SkipUnless(LayerFixture.IsRoot, "overlay is mounted by root");
        using var layer = new LayerFixture();
        var work = Directory.CreateDirectory("/dev/shm/containers-pack-" + Guid.NewGuid().ToString("N")).FullName;
        try
        {
            Tool.Run("sh", "-c", $"cd {work} && mkdir lower upper work merged && cd lower && mkdir -p keep gone again/deep swap && echo 1 | tee keep/a keep/b gone/c again/d again/deep/e swap/f top");
            var before = Tool.Run("unshare", "-m", "sh", "-ec", $$"""
                cd {{work}}; mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work,redirect_dir=off,metacopy=off,index=off x merged; cd merged
                rm -r gone again; mkdir again; echo new > again/n; rm keep/b; echo 2 >> keep/a; chown 1234:5 keep/a; ln keep/a hard; mkfifo pipe; ln -s /etc/passwd out
                rm -r swap; echo file > swap; mkdir -m 1777 tmp; chmod 4755 top; mknod null c 1 3; printf 'x' > "$(printf 'n\377\nl')"; touch -d @1000000000 keep hard
                setfattr -n user.mine -v yes tmp 2>/dev/null || true
                {{Listing}}
                """);
            using var upper = LayerFixture.Open(work + "/upper");
            var archive = new MemoryStream();
            var packed = await new LayerPacker(new PackOptions { IsUpper = true, HasNanoseconds = true }).PackAsync(upper, archive, TestContext.Current.CancellationToken);
            Assert.Equal((archive.Length, 0L), (packed.Size, packed.ChangedFiles));
            var names = (await ReadAsync(archive.ToArray())).Select(entry => S(entry.Entry.Path)).ToArray();
            Assert.Contains("again/.wh..wh..opq", names);
            Assert.Contains(".wh.gone", names);
            Assert.Contains("keep/.wh.b", names);

            using var lower = LayerFixture.Open(work + "/lower");
            var changes = await LayerChanges.FindAsync(upper, [lower], LayerLimits.Default, null, TestContext.Current.CancellationToken);
            Assert.Equal(
                ["C /again", "D /again/d", "D /again/deep", "A /again/n", "D /gone", "A /hard", "C /keep", "C /keep/a", "D /keep/b", "A /null", "A /n\ufffd?l", "A /out",
                 "A /pipe", "C /swap", "A /tmp", "C /top"],
                changes.Select(change => change.ToString()));

            archive.Position = 0;
            await layer.UnpackAsync(archive);

            // Devices are left out of what is unpacked.
            var after = Tool.Run("unshare", "-m", "sh", "-ec",
                $"cd {work}; mount -t overlay -o lowerdir={layer.Layer}:lower,redirect_dir=off x merged; cd merged\n{Listing}");
            Assert.Equal(string.Join('\n', before.Split('\n').Where(line => !line.StartsWith("odd c", StringComparison.Ordinal))), after);
        }
        finally
        {
            DirectoryTree.Remove(work);
        }
    }

    [Fact]
    [Trait("Category", "Rootless")]
    public async Task TheSameTree_IsTheSameBytes_WithoutWhatIsExcluded()
    {
        using var layer = new LayerFixture();
        await layer.UnpackAsync(
            Header('5', "b"), Member('0', "b/x", B("x")), Header('1', "a", link: "b/x"), Header('6', "b/fifo"), Header('5', "skip"), Header('0', "skip/y"),
            [.. Pax('x', ("SCHILY.xattr.user.k", "v")), .. Member('0', "c", new byte[600_000])], Header('2', "l", link: "/etc"));
        var first = await PackAsync(layer.Layer, new PackOptions { Excluded = [B("skip"), B("b/none")] });
        var second = await PackAsync(layer.Layer, new PackOptions { Excluded = [B("skip")] });

        Assert.Equal(first, second);
        var entries = await ReadAsync(first);
        Assert.Equal(["a", "b/", "b/fifo", "b/x", "c", "l"], entries.Select(entry => S(entry.Entry.Path)));
        Assert.Equal("a", S(entries[3].Entry.LinkTarget));
        Assert.Equal("user.k", S(Assert.Single(entries[4].Entry.Xattrs).Name));
        Assert.Equal(600_000, entries[4].Content.Length);
    }

    [Fact]
    [Trait("Category", "Rootless")]
    public async Task OwnersAreTheContainers_AndAStrangerIsNamed()
    {
        using var layer = new LayerFixture();
        await File.WriteAllTextAsync(layer["f"], "x", TestContext.Current.CancellationToken);
        var (user, group) = (Libc.EffectiveUserId(), Libc.EffectiveGroupId());
        Assert.SkipUnless(user == group, "the user's group has another id");

        var entry = Assert.Single(await ReadAsync(await PackAsync(layer.Layer, new PackOptions { Owners = new OwnerMap([new(new IdRange(user, 65536), 0)], [new(new IdRange(user, 65536), 0)]) }))).Entry;
        Assert.Equal((0u, 0u), (entry.UserId, entry.GroupId));
        var stranger = await Assert.ThrowsAsync<ImageException>(() => PackAsync(layer.Layer, new PackOptions { Owners = new OwnerMap([new(new IdRange(user + 1, 65536), 0)], [new(new IdRange(user + 1, 65536), 0)]) }));
        Assert.Contains($"the id {user} of the host", stranger.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Category", "Rootless")]
    public async Task MarksOfOverlay_AreReadInBothForms()
    {
        using var layer = new LayerFixture();
        Directory.CreateDirectory(layer["d"]);
        await File.WriteAllTextAsync(layer["d/gone"], "", TestContext.Current.CancellationToken);
        SetXattr(layer["d"], "user.overlay.opaque", "y");
        SetXattr(layer["d/gone"], "user.overlay.whiteout", "");
        Assert.Equal(
            ["d/", "d/.wh..wh..opq", "d/.wh.gone"],
            (await ReadAsync(await PackAsync(layer.Layer, new PackOptions { IsUpper = true }))).Select(entry => S(entry.Entry.Path)));

        foreach (var (name, mark) in ((string, string)[])[("d", "redirect"), ("d/file", "metacopy")])
        {
            File.Delete(layer["d/gone"]);
            await File.WriteAllTextAsync(layer["d/file"], "", TestContext.Current.CancellationToken);
            SetXattr(layer[name], "user.overlay." + mark, "/etc");
            Assert.Contains(mark, (await Assert.ThrowsAsync<ImageException>(() => PackAsync(layer.Layer, new PackOptions { IsUpper = true }))).Message, StringComparison.Ordinal);
            Directory.Delete(layer["d"], true);
            Directory.CreateDirectory(layer["d"]);
        }

        await File.WriteAllTextAsync(layer["d/.wh.x"], "", TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<ImageException>(() => PackAsync(layer.Layer, new PackOptions { IsUpper = true }));
        Assert.Single(await ReadAsync(await PackAsync(layer["d"], new PackOptions())));
    }

    [Fact]
    [Trait("Category", "Rootless")]
    public async Task ATreeThatChangesMeanwhile_NeitherHangsNorLeadsOut()
    {
        using var layer = new LayerFixture();
        Tool.Run("sh", "-c", $"cd {layer.Layer} && mkdir d e && echo inside > d/file && echo inside > file && mkfifo fifo && ln -s {layer.Canary} link");
        using var stop = new CancellationTokenSource();
        var swapper = Task.Run(() =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                Swap(layer.Layer, (i % 4) switch { 0 => ("d", "link"), 1 => ("file", "fifo"), 2 => ("d", "file"), _ => ("link", "fifo") });
            }
        }, TestContext.Current.CancellationToken);
        try
        {
            for (var i = 0; i < 500; i++)
            {
                var archive = await PackAsync(layer.Layer, new PackOptions()).WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
                foreach (var (_, content) in await ReadAsync(new MemoryStream(archive)))
                {
                    Assert.NotEqual("canary", Encoding.UTF8.GetString(content));
                }
            }
        }
        finally
        {
            await stop.CancelAsync();
            await swapper;
        }
    }

    /// <summary>Names, kinds, modes, owners, times, sizes, links and contents; directories' sizes and times depend on the file system.</summary>
    private const string Listing = """
        find . -mindepth 1 -name 'n*l' -prune -printf 'odd %y %m\n' -o -mindepth 1 \( -type d -printf '%P %y %m %U:%G\n' -o -printf '%P %y %m %U:%G %s %l %T@\n' \) | LC_ALL=C sort
        find . -type f ! -name 'n*l' -exec sha256sum {} + | LC_ALL=C sort
        """;

    private static async Task<byte[]> PackAsync(string path, PackOptions options)
    {
        using var tree = LayerFixture.Open(path);
        var archive = new MemoryStream();
        await new LayerPacker(options).PackAsync(tree, archive, TestContext.Current.CancellationToken);
        return archive.ToArray();
    }

    private static unsafe void SetXattr(string path, string name, string value)
    {
        using var file = Libc.Open(path, Libc.OpenReadOnly | Libc.OpenCloseOnExec);
        fixed (byte* nameStart = B(name + "\0"), start = B(value + "\0"))
        {
            Assert.Equal(0, Libc.SetXattr(file, nameStart, start, (nuint)value.Length, 0));
        }
    }

    /// <summary>By way of a third name: every name is missing for a moment, which a tree that changes may have too.</summary>
    private static unsafe void Swap(string directory, (string First, string Second) names)
    {
        using var parent = LayerFixture.Open(directory);
        fixed (byte* first = B(names.First + "\0"), second = B(names.Second + "\0"), third = "third\0"u8)
        {
            _ = Libc.RenameAtBytes(parent, first, parent, third);
            _ = Libc.RenameAtBytes(parent, second, parent, first);
            _ = Libc.RenameAtBytes(parent, third, parent, second);
        }
    }
}
