using System.Formats.Tar;
using Containers.Interop;
using Containers.Oci;

namespace Containers.Tests.Running;

/// <summary>What layers do to each other, from the registry to what a container sees.</summary>
public sealed class LayerShapeTests(SharedImages shared) : IAsyncDisposable
{
    private readonly ImageHost _host = new();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task WhiteoutsAndReplacedKinds_OverSeveralLayers_AreAsUmociMadeThem()
    {
        var layout = OciLayout.Copy(shared.BaseLayout, _host.Directory["layout"]);
        layout.AddLayer(SharedImages.BaseTag, static root =>
        {
            foreach (var folder in (string[])["gone", "kept", "to-file", "replaced/deep"])
            {
                Directory.CreateDirectory($"{root}/data/{folder}");
                File.WriteAllText($"{root}/data/{folder}/old", "old");
            }

            File.WriteAllText(root + "/data/to-folder", "a file");
            File.WriteAllText(root + "/data/to-link", "a file");
        });
        layout.AddLayer(SharedImages.BaseTag, static root =>
        {
            Directory.Delete(root + "/data/gone", recursive: true);
            Directory.Delete(root + "/data/to-file", recursive: true);
            File.WriteAllText(root + "/data/to-file", "a file now");
            File.Delete(root + "/data/to-folder");
            Directory.CreateDirectory(root + "/data/to-folder");
            File.WriteAllText(root + "/data/to-folder/new", "new");
            File.Delete(root + "/data/to-link");
            File.CreateSymbolicLink(root + "/data/to-link", "to-file");
            Directory.Delete(root + "/data/replaced", recursive: true);
            Directory.CreateDirectory(root + "/data/replaced");
            File.WriteAllText(root + "/data/replaced/new", "new");
        });
        layout.AddLayer(SharedImages.BaseTag, static root =>
        {
            // What was removed below comes back as another.
            Directory.CreateDirectory(root + "/data/gone");
            File.WriteAllText(root + "/data/gone/again", "again");
            File.Delete(root + "/data/kept/old");
        });
        Tool.Run("umoci", "insert", "--image", $"{layout.Path}:{SharedImages.BaseTag}", "--opaque", Directory.CreateDirectory(_host.Directory["empty"]).FullName, "/data/to-folder");
        var name = await shared.NewNameAsync();
        layout.Push(SharedImages.BaseTag, name);

        var expected = """
            ./gone
            ./gone/again
            ./kept
            ./replaced
            ./replaced/new
            ./to-file
            ./to-folder
            ./to-link
            a file now
            """;
        Assert.Equal(expected, (await _host.OutputOf(name, "cd /data; find . -mindepth 1 | sort; cat to-link")).Trim());
        await TreeOfRoot.AssertSameAsUmociAsync(_host, layout, SharedImages.BaseTag, name);
    }

    [Fact]
    public async Task ImageOf127Layers_IsPulledAndRun()
    {
        SharedImages.RequireRoot();
        var layout = OciLayout.Copy(shared.BaseLayout, _host.Directory["layout"]);
        for (var number = 1; number <= 126; number++)
        {
            await File.WriteAllTextAsync(_host.Directory["number"], $"{number}", ImageHost.Token);
            Tool.Run("umoci", "insert", "--image", $"{layout.Path}:{SharedImages.BaseTag}", _host.Directory["number"], number % 2 == 0 ? "/last" : $"/n/{number}");
        }

        var name = await shared.NewNameAsync();
        layout.Push(SharedImages.BaseTag, name);
        Assert.Equal("126\n63\n", await _host.OutputOf(name, "cat /last; echo; set -- /n/*; echo $#"));
        Assert.Equal(127, (await _host.Images.InspectAsync(name, cancellationToken: ImageHost.Token)).Layers.Count);
    }

    [Fact]
    public async Task ParentsThatALayerLacks_KeepWhatTheyAreBelow()
    {
        SharedImages.RequireRoot();
        var layout = HandmadeLayout.Write(
            _host.Directory["layout"],
            new ContainerConfiguration { Cmd = ["/bin/sh", "-c", "stat -c '%n %a %u %g' /tmp /tmp/file /owned /owned/sub /new /new/deep; stat -c %Y /owned"] },
            HandmadeLayout.Layer(new PaxTarEntry(TarEntryType.Directory, "owned/") { Mode = (UnixFileMode)0x1C0, Uid = 12, Gid = 34 }),
            HandmadeLayout.Layer(HandmadeLayout.Text("tmp/file", "x"), HandmadeLayout.Text("owned/sub/file", "x"), HandmadeLayout.Text("new/deep/file", "x")));
        var name = await shared.NewNameAsync();
        layout.Push("1", name);
        Assert.Equal(
            "/tmp 1777 0 0\n/tmp/file 644 0 0\n/owned 700 12 34\n/owned/sub 755 0 0\n/new 755 0 0\n/new/deep 755 0 0\n946684800\n", await _host.OutputOf(ContainerBuilder.FromImage(name)));
    }

    [Fact]
    public async Task SameLayerTwice_CountsWhereItIsOnTop()
    {
        SharedImages.RequireRoot();
        var word = HandmadeLayout.Layer(HandmadeLayout.Text("word", "twice"), HandmadeLayout.Text("kept", "kept"));
        var layout = HandmadeLayout.Write(
            _host.Directory["layout"], new ContainerConfiguration { Cmd = ["/bin/cat", "/word", "/kept"] },
            word, HandmadeLayout.Layer(HandmadeLayout.Text("word", "between"), HandmadeLayout.Text(".wh.kept", string.Empty)), word);
        var name = await shared.NewNameAsync();
        layout.Push("1", name);
        Assert.Equal("twicekept", await _host.OutputOf(ContainerBuilder.FromImage(name)));
    }

    [Fact]
    public async Task WhatAContainerSees_IsWhatUmociUnpacks_FileByFile()
    {
        var layout = OciLayout.Copy(shared.BaseLayout, _host.Directory["layout"]);
        layout.AddLayer(SharedImages.BaseTag, static root =>
        {
            Directory.CreateDirectory(root + "/data/private");
            File.WriteAllText(root + "/data/plain", "plain");
            File.WriteAllText(root + "/data/setuid", "x");
            File.SetUnixFileMode(root + "/data/setuid", (UnixFileMode)0x9ED);
            File.WriteAllText(root + "/data/größe \t", "a name that needs care");
            File.WriteAllText($"{root}/data/{new string('n', 250)}", "a long name");
            Directory.CreateDirectory($"{root}/data/{new string('d', 120)}/{new string('e', 120)}");
            File.WriteAllText($"{root}/data/{new string('d', 120)}/{new string('e', 120)}/file", "a long path");
            File.CreateSymbolicLink(root + "/data/absolute", "/etc/passwd");
            File.CreateSymbolicLink(root + "/data/dangling", "../../../nowhere");
            Tool.Run("ln", root + "/data/plain", root + "/data/private/hard");
            Tool.Run("mkfifo", root + "/data/fifo");
            Tool.Run("chown", "1234:5678", root + "/data/setuid", root + "/data/private");
            Tool.Run("chmod", "4755", root + "/data/setuid");
            SetNote(root + "/data/plain", "a value"u8);
            Tool.Run("touch", "-d", "2001-02-03T04:05:06.789Z", root + "/data/plain");
            Tool.Run("touch", "-h", "-d", "1999-01-01T00:00:00Z", root + "/data/dangling");
            Tool.Run("touch", "-d", "2010-01-01T00:00:00Z", root + "/data/private");
        });
        layout.AddLayer(SharedImages.BaseTag, static root =>
        {
            File.Delete(root + "/data/absolute");
            File.WriteAllText(root + "/data/private/more", "more");
            Tool.Run("chmod", "700", root + "/data/private");
        });
        var name = await shared.NewNameAsync();
        layout.Push(SharedImages.BaseTag, name);
        await TreeOfRoot.AssertSameAsUmociAsync(_host, layout, SharedImages.BaseTag, name);
    }

    [Fact]
    public async Task CapabilitiesOfAFile_ComeFromTheRegistryIntoTheExport()
    {
        var layout = OciLayout.Copy(shared.BaseLayout, _host.Directory["layout"]);
        layout.AddLayer(SharedImages.BaseTag, static root => Tool.Run("setcap", "cap_net_raw=ep", root + "/bin/busybox"));
        var name = await shared.NewNameAsync();
        layout.Push(SharedImages.BaseTag, name);
        await using (var container = await _host.StartAsync(ContainerBuilder.FromImage(name), "true"))
        {
            await using var file = File.Create(_host.Directory["root.tar"]);
            await container.ExportAsync(file, ImageHost.Token);
        }

        // .NET's own reader of tars takes no binary attributes.
        Directory.CreateDirectory(_host.Directory["root"]);
        Tool.Run("tar", "--xattrs", "--xattrs-include=*", "-C", _host.Directory["root"], "-xf", _host.Directory["root.tar"]);
        Assert.EndsWith("cap_net_raw=ep\n", Tool.Run("getcap", _host.Directory["root/bin/busybox"]), StringComparison.Ordinal);
    }

    private static unsafe void SetNote(string path, ReadOnlySpan<byte> value)
    {
        fixed (byte* start = value)
        {
            Assert.Equal(0, Libc.SetXattrOf(path, "user.note", start, (nuint)value.Length, 0));
        }
    }
}
