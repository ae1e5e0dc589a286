using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Containers.Interop;

namespace Containers.Launch;

/// <summary>The header page of a program as its processes left it. Nothing in it is trusted to be in range.</summary>
internal readonly struct ProgramStatus
{
    private readonly byte[] _page;

    private ProgramStatus(byte[] page) => _page = page;

    public bool Reached(LaunchPhase phase) => Header.Phase >= phase;

    /// <summary>The failed step, or null.</summary>
    public int? FailedStep => Header.FailedStep is 0 or > int.MaxValue ? null : (int)(Header.FailedStep - 1);

    public Errno FailedErrno => (Errno)Header.FailedErrno;

    /// <summary>The wait status of the main process where an init above it reports it.</summary>
    public int? WaitStatus => Header.WaitStatusValid == 0 ? null : Header.WaitStatus;

    private ProgramHeader Header => MemoryMarshal.Read<ProgramHeader>(_page);

    public long Read(SharedCell cell) => BinaryPrimitives.ReadInt64LittleEndian(_page.AsSpan(cell.Offset));

    public static unsafe ProgramStatus Load(FileDescriptor memfd)
    {
        var page = new byte[1024];
        fixed (byte* bytes = page)
        {
            if (Libc.ReadAt(memfd, bytes, (nuint)page.Length, 0) != page.Length)
            {
                throw new ContainerException("read the state of the launch program", null, ErrnoNames.Last);
            }
        }

        return new ProgramStatus(page);
    }
}
