using Containers.Interop;
using Containers.Oci;
using Containers.Tests.Tar;

namespace Containers.Tests.Running;

/// <summary>
/// Files of images have the owners that the images say, in containers of root and of an ordinary user with subordinate ids (package
/// uidmap); and all of them can be removed again.
/// </summary>
[Trait("Category", "Rootless")]
public sealed class OwnerTests : IAsyncLifetime
{
    private const string Busybox = "/bin/busybox";
    private const string Capability = "\u0001\u0000\u0000\u0002\u0000\u0004\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000";
    private static readonly string[] Applets = ["sh", "stat", "cat", "ls", "rm", "mkdir", "chmod", "touch", "sleep"];
    private readonly TemporaryDirectory _directory = new();
    private ContainerEngine _engine = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static bool IsRoot => Libc.EffectiveUserId() == 0;

    private string Layers => _directory["store/layers"];

    public async ValueTask InitializeAsync()
    {
        _engine = NewEngine();
        var missing = (await _engine.ProbeAsync(Token)).Features.FirstOrDefault(static feature => feature is { Name: "subordinate ids", IsAvailable: false });
        if (missing is not null || !File.Exists(Busybox))
        {
            // What is skipped here is never disposed.
            await _engine.DisposeAsync();
            _directory.Dispose();
            Assert.Skip(missing is null ? "busybox-static is not installed" : $"This user has no subordinate ids: {missing}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _engine.Images.PruneAsync(all: true, cancellationToken: CancellationToken.None);
        await _engine.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task FilesOfAnImage_HaveTheirOwnersAndRights_InsideTheContainer()
    {
        await ImportAsync();
        Assert.Equal(
            """
            /srv 0:0 755
            /srv/data 101:33 640
            /srv/again 101:33 640
            /srv/set 33:0 6755
            /srv/link 33:33 777
            /srv/replaced 0:0 644
            /srv/tree 0:0 755
            /srv/tree/leaf 0:0 644
            /srv/second 7:7 644
            /home/closed 101:101 700
            /home/closed/inner 101:101 600
            /run/pipe 5:6 600

            """,
            await RunAsync("stat -c '%n %u:%g %a' /srv /srv/data /srv/again /srv/set /srv/link /srv/replaced /srv/tree /srv/tree/leaf /srv/second /home/closed /home/closed/inner /run/pipe"));
    }

    [Fact]
    public async Task AUserOfTheImage_ReachesAndWritesWhatIsItsOwn_AndNothingElse()
    {
        await ImportAsync();
        var job = Image("cat /home/closed/inner && echo more > /home/closed/new && stat -c %u /home/closed/new").WithUser("101:101");
        Assert.Equal("secret\n101\n", await OutputOf(job));

        var other = await _engine.RunAsync(Image("ls /home/closed").WithUser("33:33"), Token);
        Assert.False(other.IsSuccess);
        Assert.Contains("Permission denied", other.StandardError.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RemovingTheImage_TakesFilesOfEveryOwnerAway()
    {
        await ImportAsync();
        await _engine.Images.RemoveAsync("owners", cancellationToken: Token);

        Assert.Empty(Directory.EnumerateFileSystemEntries(Layers));
        var session = Assert.Single(Directory.EnumerateDirectories(_directory["store/sessions"]));
        Assert.Empty(Directory.EnumerateDirectories(session));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ADirectoryThatALayerLeavesOut_HasTheOwnerAndRightsOfTheOneBelow(bool isBelowStored)
    {
        if (isBelowStored)
        {
            await ImportAsync();
        }

        byte[][] layers = [Root().ToArray(), TarBytes.Archive(Member('0', "home/closed/added", 0x180, 101, 101))];
        var config = $$"""
            {"architecture":"{{ImagePlatform.Current.Architecture}}","os":"linux","config":{"Cmd":["/bin/sh"]},
             "rootfs":{"type":"layers","diff_ids":[{{string.Join(',', layers.Select(static layer => $"\"{Digest.Of(layer)}\""))}}] } }
            """;
        var archive = TarBytes.Archive(
            TarBytes.Member('0', "config.json", TarBytes.B(config)),
            TarBytes.Member('0', "0.tar", layers[0]),
            TarBytes.Member('0', "1.tar", layers[1]),
            TarBytes.Member('0', "manifest.json", TarBytes.B("""[{"Config":"config.json","RepoTags":["two:latest"],"Layers":["0.tar","1.tar"]}]""")));
        await _engine.Images.LoadAsync(new MemoryStream(archive), useNames: true, Token);

        var job = ContainerBuilder.FromImage("two", PullPolicy.Never).WithCommand("/bin/busybox", "sh", "-c", "cd /home/closed; stat -c '%n %u:%g %a' . inner added").WithTimeout(TimeSpan.FromSeconds(60));
        Assert.Equal(". 101:101 700\ninner 101:101 600\nadded 101:101 600\n", await OutputOf(job));
    }

    [Fact]
    public async Task Capabilities_AreThoseOfTheEnginesUserNamespace()
    {
        await ImportAsync();
        var layer = Assert.Single(Directory.EnumerateDirectories(Layers));
        var value = ReadCapability(Path.Combine(layer, "srv/able"));

        // struct vfs_ns_cap_data: version 3 ends in the root user of the namespace.
        Assert.Equal(IsRoot ? 2 : 3, value[3]);
        Assert.Equal(0x04, value[5]);
        if (!IsRoot)
        {
            Assert.Equal(Libc.EffectiveUserId(), BitConverter.ToUInt32(value, 20));
        }
    }

    [Fact]
    public async Task ALayerUnpackedWithOneId_IsNotUsedByAnEngineWithMany_AndBothGoTogether()
    {
        Assert.SkipWhen(IsRoot, "root's layers have their owners in every store");
        using (var alone = new ImageStore(new ImageStoreOptions { Directory = _directory["store"] }))
        {
            await alone.ImportAsync(Root(), "owners", Command, Token);
        }

        Assert.Single(Directory.EnumerateDirectories(Layers));
        Assert.Equal("101\n", await RunAsync("stat -c %u /srv/data"));
        Assert.Equal(2, Directory.EnumerateDirectories(Layers).Count());
        Assert.Empty(await _engine.Images.VerifyAsync(cancellationToken: Token));

        await _engine.Images.RemoveAsync("owners", cancellationToken: Token);
        Assert.Empty(Directory.EnumerateDirectories(Layers));
    }

    [Fact]
    public async Task WhatAStoreWithoutAnEngineCannotRemove_IsSweptByTheNextThatHasOne()
    {
        Assert.SkipWhen(IsRoot, "root can remove everything");
        await ImportAsync();
        await _engine.DisposeAsync();
        using (var alone = new ImageStore(new ImageStoreOptions { Directory = _directory["store"] }))
        {
            await alone.PruneAsync(all: true, cancellationToken: Token);
        }

        Assert.Empty(Directory.EnumerateDirectories(Layers));
        Assert.Single(Directory.EnumerateDirectories(_directory["store/sessions"]));

        _engine = NewEngine();
        Assert.Empty(await _engine.Images.ListAsync(Token));
        var session = Assert.Single(Directory.EnumerateDirectories(_directory["store/sessions"]));
        Assert.Empty(Directory.EnumerateDirectories(session));
    }

    [Fact]
    public async Task AnIdThatTheUserCannotGive_IsRefusedWithTheRemedy_AndLeavesNothing()
    {
        Assert.SkipWhen(IsRoot, "root has every id");
        var archive = new MemoryStream(TarBytes.Archive(Member('0', "big", 0x1A4, 70000, 0)));
        var refused = await Assert.ThrowsAsync<ImageException>(() => _engine.Images.ImportAsync(archive, "big", Command, Token));

        Assert.Contains("70000", refused.Message, StringComparison.Ordinal);
        Assert.Contains("/etc/subuid", refused.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateDirectories(Layers));
    }

    [Fact]
    public async Task WhatIsClosedToTheUser_IsCommittedComparedAndExportedAllTheSame()
    {
        await ImportAsync();
        var container = await _engine.StartAsync(
            Image("rm -r /home/closed/gone /home/closed/tree && mkdir -m 700 /home/closed/tree && touch /home/closed/tree/young && echo new > /home/closed/inner && mkdir -m 700 /home/closed/deep && echo deep > /home/closed/deep/file && chmod 600 /home/closed/deep/file && touch /tmp/done && sleep 100")
                .WithUser("101:101"), Token);
        await using (container)
        {
            await WaitForAsync(container, "/tmp/done");
            var changes = await container.DiffAsync(Token);
            Assert.Contains(changes, static change => change is { Path: "/home/closed/gone", Kind: ImageChangeKind.Deleted });
            Assert.Contains(changes, static change => change is { Path: "/home/closed/tree/old", Kind: ImageChangeKind.Deleted });
            Assert.Contains(changes, static change => change is { Path: "/home/closed/inner", Kind: ImageChangeKind.Modified });
            Assert.Contains(changes, static change => change is { Path: "/home/closed/deep/file", Kind: ImageChangeKind.Added });

            var exported = new MemoryStream();
            await container.ExportAsync(exported, Token);
            var entries = await TarBytes.ReadAsync(exported.ToArray());
            var inner = Assert.Single(entries, static entry => TarBytes.S(entry.Entry.Path) == "home/closed/inner");
            Assert.Equal((101u, 101u, "new\n"), (inner.Entry.UserId, inner.Entry.GroupId, TarBytes.S(inner.Content)));
            Assert.DoesNotContain(entries, static entry => TarBytes.S(entry.Entry.Path) is "home/closed/gone" or "home/closed/tree/old");
            Assert.Single(entries, static entry => TarBytes.S(entry.Entry.Path) == "home/closed/tree/young");
            Assert.Equal(33u, Assert.Single(entries, static entry => TarBytes.S(entry.Entry.Path) == "srv/link").Entry.UserId);

            await container.CommitAsync("committed", cancellationToken: Token);
        }

        var job = ContainerBuilder.FromImage("committed", PullPolicy.Never).WithTimeout(TimeSpan.FromSeconds(60))
            .WithCommand("/bin/busybox", "sh", "-c", "cd /home/closed; ls . tree; cat inner deep/file; stat -c '%n %u:%g %a' . inner deep deep/file");
        Assert.Equal(".:\ndeep\ninner\ntree\n\ntree:\nyoung\nnew\ndeep\n. 101:101 700\ninner 101:101 600\ndeep 101:101 700\ndeep/file 101:101 600\n", await OutputOf(job));
    }

    private static CommitOptions Command => new() { Command = ["/bin/sh"] };

    private ContainerEngine NewEngine() => new(new ContainerEngineOptions { Images = new ImageStoreOptions { Directory = _directory["store"] } });

    private Task<ImageInfo> ImportAsync() => _engine.Images.ImportAsync(Root(), "owners", Command, Token);

    private static ContainerBuilder Image(string script) =>
        ContainerBuilder.FromImage("owners", PullPolicy.Never).WithCommand("/bin/busybox", "sh", "-c", script).WithTimeout(TimeSpan.FromSeconds(60));

    private Task<string> RunAsync(string script) => OutputOf(Image(script));

    private async Task<string> OutputOf(ContainerBuilder job)
    {
        var result = await _engine.RunAsync(job, Token);
        Assert.True(result.IsSuccess, $"{result}: {result.StandardError.Text}");
        return result.StandardOutput.Text;
    }

    private static async Task WaitForAsync(Container container, string path)
    {
        var waited = await container.ExecAsync(["/bin/busybox", "sh", "-c", $"until [ -e {path} ]; do /bin/busybox sleep 0.05; done"], null, Token);
        Assert.True(waited.IsSuccess, waited.StandardError.Text);
    }

    private static unsafe byte[] ReadCapability(string path)
    {
        using var file = Libc.Open(path, Libc.OpenReadOnly | Libc.OpenCloseOnExec);
        var value = new byte[24];
        fixed (byte* start = value, name = "security.capability\0"u8)
        {
            Assert.True(Libc.GetXattr(file, name, start, 24) >= 20);
        }

        return value;
    }

    private static MemoryStream Root() => new(TarBytes.Archive(
    [
        Member('5', "bin", 0x1ED, 0, 0),
        Member('0', "bin/busybox", 0x1ED, 0, 0, File.ReadAllBytes(Busybox)),
        .. Applets.Select(static applet => Member('2', "bin/" + applet, 0x1FF, 0, 0, link: "busybox")),
        Member('5', "tmp", 0x3FF, 0, 0),
        Member('5', "srv", 0x1ED, 0, 0),
        Member('0', "srv/data", 0x1A0, 101, 33, TarBytes.B("data\n")),
        Member('1', "srv/again", 0x1A0, 101, 33, link: "srv/data"),
        Member('0', "srv/set", 0xDED, 33, 0),
        Member('2', "srv/link", 0x1FF, 33, 33, link: "data"),
        Member('0', "srv/replaced", 0x1A4, 7, 7),
        Member('1', "srv/second", 0x1A4, 7, 7, link: "./srv/replaced"),
        Member('0', "srv/replaced", 0x1A4, 0, 0),
        Member('5', "srv/tree", 0x1ED, 9, 9),
        Member('0', "srv/tree/leaf", 0x1A4, 9, 9),
        Member('0', "srv/tree", 0x1A4, 9, 9),
        Member('5', "srv/tree", 0x1ED, 0, 0),
        Member('0', "srv/tree/leaf", 0x1A4, 0, 0),
        TarBytes.Pax('x', ("SCHILY.xattr.security.capability", Capability)),
        Member('0', "srv/able", 0x1ED, 0, 0),
        Member('5', "home", 0x1ED, 0, 0),
        Member('5', "home/closed", 0x1C0, 101, 101),
        Member('0', "home/closed/inner", 0x180, 101, 101, TarBytes.B("secret\n")),
        Member('0', "home/closed/gone", 0x180, 101, 101),
        Member('5', "home/closed/tree", 0x1C0, 101, 101),
        Member('0', "home/closed/tree/old", 0x180, 101, 101),
        Member('5', "run", 0x1ED, 0, 0),
        Member('6', "run/pipe", 0x180, 5, 6),
    ]));

    private static byte[] Member(char type, string name, int mode, int user, int group, byte[]? content = null, string link = "") =>
        TarBytes.Member(type, name, content ?? [], link, block =>
        {
            TarBytes.B(Octal(mode)).CopyTo(block, 100);
            TarBytes.B(Octal(user)).CopyTo(block, 108);
            TarBytes.B(Octal(group)).CopyTo(block, 116);
        });

    private static string Octal(int number) => Convert.ToString(number, 8).PadLeft(7, '0') + "\0";
}
