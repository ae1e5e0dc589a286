using System.Formats.Tar;
using System.Globalization;
using System.Security.Cryptography;

namespace Containers.Tests.Running;

/// <summary>A whole root as lines that can be compared: kind, mode, owner, time, attributes, target, other names and hash of each path.</summary>
internal static class TreeOfRoot
{
    /// <summary>What a container of the image sees is what umoci unpacks.</summary>
    public static async Task AssertSameAsUmociAsync(ImageHost host, OciLayout layout, string tag, string name)
    {
        var root = layout.Unpack(tag, host.Directory["umoci-bundle"]);
        var theirs = host.Directory["umoci.tar"];
        Tool.Run("tar", "--format=posix", "--xattrs", "--xattrs-include=*", "--numeric-owner", "-C", root, "-cf", theirs, ".");
        var ours = host.Directory["ours.tar"];
        await using (var container = await host.StartAsync(ContainerBuilder.FromImage(name), "true"))
        {
            await using var file = File.Create(ours);
            await container.ExportAsync(file, ImageHost.Token);
        }

        Assert.Equal(Read(theirs), Read(ours));
    }

    public static List<string> Read(string archive)
    {
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        var names = new Dictionary<string, SortedSet<string>>(StringComparer.Ordinal);
        using var stream = File.OpenRead(archive);
        using var reader = new System.Formats.Tar.TarReader(stream);
        while (reader.GetNextEntry() is { } entry)
        {
            var path = Clean(entry.Name);
            if (path == "/")
            {
                // Docker's exports have no entry for the root, and neither have ours.
                continue;
            }

            if (entry.EntryType == TarEntryType.HardLink)
            {
                names[path] = names[Clean(entry.LinkName)];
                names[path].Add(path);
                continue;
            }

            names[path] = [path];
            files[path] = Describe(entry, path);
        }

        // Which of several names comes first is the packer's choice.
        return [.. names.OrderBy(static name => name.Key, StringComparer.Ordinal)
            .Select(name => $"{name.Key} {string.Join('=', name.Value)} {files[name.Value.First(files.ContainsKey)]}")];
    }

    private static string Clean(string name) => "/" + (name.StartsWith("./", StringComparison.Ordinal) ? name[2..] : name).Trim('/');

    private static string Describe(TarEntry entry, string path)
    {
        var attributes = entry is PaxTarEntry pax
            ? pax.ExtendedAttributes.Where(static one => one.Key.StartsWith("SCHILY.xattr.", StringComparison.Ordinal))
                .OrderBy(static one => one.Key, StringComparer.Ordinal).Select(static one => one.Key["SCHILY.xattr.".Length..] + ":" + one.Value)
            : [];

        // The engine makes mount points in it.
        var time = path is "/etc" ? "-" : entry.ModificationTime.UtcTicks.ToString(CultureInfo.InvariantCulture);
        var hash = entry.DataStream is { } data ? Convert.ToHexString(SHA256.HashData(data)) : "-";
        var kind = entry.EntryType is TarEntryType.V7RegularFile ? TarEntryType.RegularFile : entry.EntryType;
        var device = entry is PosixTarEntry { EntryType: TarEntryType.CharacterDevice or TarEntryType.BlockDevice } node ? $"{node.DeviceMajor}:{node.DeviceMinor}" : "-";
        return $"{kind} {(int)entry.Mode:x} {entry.Uid}:{entry.Gid} {time} [{string.Join(',', attributes)}] {entry.LinkName} {device} {hash}";
    }
}
