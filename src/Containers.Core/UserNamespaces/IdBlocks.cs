using System.Globalization;
using Containers.Interop;

namespace Containers.UserNamespaces;

/// <summary>
/// Gives engines of this host ranges that no other engine has. A block of ranges is an engine's as long as it holds the lock of a
/// file: the kernel lets go of it with the process, so nothing has to be swept.
/// </summary>
internal sealed class IdBlocks : IDisposable
{
    /// <summary>What images expect: nobody is 65534.</summary>
    private const uint RangeSize = 65536;

    private const uint RangesInBlock = 64;

    /// <summary>The ids that systemd's table leaves to containers (https://systemd.io/UIDS-GIDS), in whole ranges.</summary>
    private const uint FirstId = 0x00080000;
    private const uint LastId = 0x6FFEFFFF;

    private const string Directory = "/run/containers-net-ids";

    private readonly List<FileStream> _owned = [];
    private uint _nextBlock;

    /// <summary>Another block of ranges, owned until this is disposed.</summary>
    /// <exception cref="ContainerException">Every block is taken.</exception>
    public IEnumerable<IdRange> Take()
    {
        EngineDirectory.CreateOwned(Directory);
        var foreign = SubordinateIdFile.Read(SubordinateIdFile.Users).Concat(SubordinateIdFile.Read(SubordinateIdFile.Groups)).Select(static line => line.Range).ToList();
        for (; FirstId + ((_nextBlock + 1) * RangesInBlock * RangeSize) - 1 <= LastId; _nextBlock++)
        {
            var block = new IdRange(FirstId + (_nextBlock * RangesInBlock * RangeSize), RangesInBlock * RangeSize);
            if (!foreign.Exists(range => range.Overlaps(block)) &&
                EngineDirectory.TryLock(Path.Combine(Directory, block.First.ToString(CultureInfo.InvariantCulture))) is { } owned)
            {
                _owned.Add(owned);
                _nextBlock++;
                return Enumerable.Range(0, (int)RangesInBlock).Select(i => new IdRange(block.First + ((uint)i * RangeSize), RangeSize));
            }
        }

        throw new ContainerException("take a range of ids", Directory, Errno.EDQUOT, "Engines that run have all of them: end some, or give ranges with UserNamespace.Range.");
    }

    public void Dispose() => _owned.ForEach(static owned => owned.Dispose());
}
