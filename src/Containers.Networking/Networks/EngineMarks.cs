using System.Globalization;
using Containers.Addresses;
using Containers.Interop;

namespace Containers.Networks;

/// <summary>The marks of the engines that live in this network namespace: each is locked by its engine's process, until this is disposed or that ends.</summary>
internal sealed class EngineMarks : IDisposable
{
    private readonly RangeLocks _locks;
    private readonly string _own;

    /// <param name="directory">Where the host's engines keep their records.</param>
    /// <param name="own">The mark of this engine: a hexadecimal number.</param>
    public EngineMarks(string directory, string own)
    {
        _own = own;
        _locks = new RangeLocks(directory, "engines");
        if (!_locks.TryLock(Number(own), 1))
        {
            _locks.Dispose();
            throw new NetworkException("take the mark", own, Errno.EADDRINUSE, "Another engine happens to have the same: dispose this one, and make another.");
        }
    }

    /// <summary>Whether an engine with this mark lives.</summary>
    public bool IsLocked(string mark) => mark == _own || _locks.FindConflict(Number(mark), 1) is not null;

    public void Dispose() => _locks.Dispose();

    private static long Number(string mark) => long.Parse(mark, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
