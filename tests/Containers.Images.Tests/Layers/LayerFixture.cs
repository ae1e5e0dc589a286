using System.Security.Cryptography;
using System.Text;
using Containers.Interop;
using Containers.Layers;

namespace Containers.Tests.Layers;

/// <summary>
/// A directory to unpack layers into, below one of mode 0700, and a canary beside it that nothing may touch.
/// On tmpfs, where every kind of attribute and 100 000 files cost little.
/// </summary>
internal sealed class LayerFixture : IDisposable
{
    private readonly string _before;

    public LayerFixture()
    {
        Root = Directory.CreateDirectory($"/dev/shm/containers-layers-{Guid.NewGuid():N}").FullName;
        File.SetUnixFileMode(Root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Layer = Directory.CreateDirectory(Root + "/layer").FullName;
        Canary = Directory.CreateDirectory(Root + "/canary").FullName;
        File.WriteAllText(Canary + "/file", "canary");
        File.WriteAllText(Root + "/breakout", "canary");
        _before = Snapshot();
    }

    public string Root { get; }

    public string Layer { get; }

    public string Canary { get; }

    public static bool IsRoot => Environment.UserName == "root" || Libc.EffectiveUserId() == 0;

    public string this[string path] => Path.Combine(Layer, path);

    public Task<UnpackedLayer> UnpackAsync(params byte[][] members) => UnpackAsync(new MemoryStream(Tar.TarBytes.Archive(members)));

    public async Task<UnpackedLayer> UnpackAsync(
        Stream archive, LayerLimits? limits = null, ILayerOwners? owners = null, DeviceNodes devices = DeviceNodes.Skip)
    {
        using var directory = Open(Layer);
        owners ??= IsRoot ? new OwnersAsWritten() : new OwnerAlone();
        return await new LayerUnpacker(owners, limits ?? LayerLimits.Default, devices).UnpackAsync(archive, directory, TestContext.Current.CancellationToken);
    }

    /// <summary>It must be refused, with nothing outside changed.</summary>
    public async Task<string> RefusedAsync(params byte[][] members)
    {
        var message = (await Assert.ThrowsAsync<ImageException>(() => UnpackAsync(members))).Message;
        AssertUntouched();
        return message;
    }

    public static FileDescriptor Open(string path)
    {
        var directory = Libc.Open(path, Libc.OpenReadOnly | Libc.OpenDirectory | Libc.OpenCloseOnExec);
        Assert.False(directory.IsInvalid, path);
        return directory;
    }

    /// <summary>As stat(1) says with this format.</summary>
    public string Stat(string path, string format) => Tool.Run("stat", "-c", format, this[path]).TrimEnd('\n');

    public bool IsWhiteout(string path) => Stat(path, "%F %Hr %Lr") == "character special file 0 0";

    /// <summary>An extended attribute of a file or directory; null where it has none.</summary>
    public unsafe string? Xattr(string path, string name)
    {
        using var file = Libc.Open(this[path], Libc.OpenReadOnly | Libc.OpenCloseOnExec);
        var value = new byte[4096];
        fixed (byte* start = value, nameStart = Encoding.UTF8.GetBytes(name + "\0"))
        {
            var length = Libc.GetXattr(file, nameStart, start, (nuint)value.Length);
            return length < 0 ? null : Encoding.Latin1.GetString(value, 0, (int)length);
        }
    }

    public void AssertUntouched() => Assert.Equal(_before, Snapshot());

    public void Dispose()
    {
        AssertUntouched();
        RootFilesystems.DirectoryTree.Remove(Root);
    }

    /// <summary>All beside the layer: names, contents, modes, owners, times.</summary>
    private string Snapshot()
    {
        var text = new StringBuilder();
        foreach (var path in Directory.EnumerateFileSystemEntries(Root, "*", new EnumerationOptions { AttributesToSkip = FileAttributes.None })
            .Concat(Directory.EnumerateFileSystemEntries(Canary)).Order(StringComparer.Ordinal))
        {
            var info = new FileInfo(path);
            if (path == Layer)
            {
                continue;
            }

            text.Append(path).Append(info.UnixFileMode).Append(info.LinkTarget).Append(info.LastWriteTimeUtc.Ticks);
            text.AppendLine(info.Exists ? Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path))) : string.Empty);
        }

        return text.ToString();
    }
}
