using System.Text;
using Containers.Tar;
using Containers.UserNamespaces;

namespace Containers.Layers;

/// <summary>
/// Notes who shall own the files of one layer while an ordinary user unpacks it as its own; <see cref="SubordinateFiles"/> gives them
/// away when all of it is there.
/// </summary>
internal sealed class LaterOwners(SubordinateIds ids) : ILayerOwners
{
    private const uint SetIdBits = 0xC00; // 06000
    private readonly Dictionary<string, (OwnedFile File, long Made)> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _replaced = new(StringComparer.Ordinal);
    private long _count;

    /// <summary>Those that are still what they were when they were noted.</summary>
    public IEnumerable<OwnedFile> Files => from file in _files where !IsReplaced(file.Key, file.Value.Made) select file.Value.File;

    public (uint User, uint Group)? Of(TarEntry entry) => null;

    /// <exception cref="ImageException">This user has no such id to give.</exception>
    public void Made(LayerPath path, TarEntry entry)
    {
        var capability = entry.Kind != TarEntryKind.File ? default
            : entry.Xattrs.FirstOrDefault(static xattr => xattr.Name.Span.SequenceEqual(LayerXattrs.Capability) && LayerXattrs.IsAllowed(xattr.Name.Span, xattr.Value.Span)).Value;
        Note(path.ToArray(), entry.UserId, entry.GroupId, entry.Kind == TarEntryKind.File && (entry.Mode & SetIdBits) != 0 ? entry.Mode : null, capability);
    }

    /// <summary>A directory that looks as the one below the layer.</summary>
    /// <param name="path">With its NUL.</param>
    /// <param name="hostUser">The id on this host.</param>
    /// <param name="hostGroup">The id on this host.</param>
    public void Inherited(byte[] path, uint hostUser, uint hostGroup) =>
        Note(path, Inside(path, hostUser, Interop.Libc.EffectiveUserId(), ids.Users), Inside(path, hostGroup, Interop.Libc.EffectiveGroupId(), ids.Groups), null, default);

    /// <summary>Another name of a file, whose first may still become another file's.</summary>
    public void Linked(LayerPath path, LayerPath target)
    {
        if (_files.TryGetValue(Key(target.ToArray()), out var known) && !IsReplaced(Key(target.ToArray()), known.Made))
        {
            _files[Key(path.ToArray())] = (known.File with { Path = path.ToArray() }, ++_count);
        }
    }

    /// <summary>What was there by this name is gone, with all that was below it.</summary>
    public void Replaced(LayerPath path, bool isDirectory)
    {
        var key = Key(path.ToArray());
        _files.Remove(key);
        if (isDirectory)
        {
            _replaced[key] = ++_count;
        }
    }

    private static string Key(ReadOnlySpan<byte> path) => Encoding.Latin1.GetString(path[..^1]);

    private void Note(byte[] path, uint user, uint group, uint? mode, ReadOnlyMemory<byte> capability)
    {
        // The root stays the user's, who could not move a directory of another's.
        if (path.Length == 1 || ((user, group) == (0, 0) && capability.IsEmpty))
        {
            return;
        }

        Require(path, "user", user, ids.UserCount, "uid");
        Require(path, "group", group, ids.GroupCount, "gid");
        _files[Key(path)] = (new OwnedFile(path, user, group, mode, capability), ++_count);
    }

    private bool IsReplaced(string key, long made)
    {
        if (_replaced.Count > 0)
        {
            for (var end = key.IndexOf('/', StringComparison.Ordinal); end > 0; end = key.IndexOf('/', end + 1))
            {
                if (_replaced.TryGetValue(key[..end], out var replaced) && replaced > made)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static uint Inside(byte[] path, uint host, uint own, IdRange range) =>
        host == own ? 0
        : host >= range.First && host - range.First < range.Count ? host - range.First + 1
        : throw new ImageException("give the directory of a layer its owner", RawText.Show(path.AsSpan()[..^1]),
            $"In a layer below it belongs to the id {host} of the host, which is none of this user's: remove the image, and pull it again.");

    private static void Require(byte[] path, string kind, uint id, uint count, string file)
    {
        if (id > count)
        {
            throw new ImageException("give the layer's file its owner", RawText.Show(path.AsSpan()[..^1]),
                $"It belongs to the {kind} {id}, and the containers of this user have the ids 0 to {count}. More come with a larger range in /etc/sub{file} (usermod --add-sub{file}s FIRST-LAST USER; the first line of a user counts, with up to 65535 ids).");
        }
    }
}
