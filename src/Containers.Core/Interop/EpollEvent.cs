using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Containers.Interop;

/// <summary>struct epoll_event, which x86-64 alone packs (linux/eventpoll.h): 12 bytes there, 16 elsewhere.</summary>
internal static unsafe class EpollEvent
{
    public static readonly int Size = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    private static readonly int DataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

    public const int MaximumSize = 16;

    public static void Write(byte* target, EpollEvents events, ulong data)
    {
        Unsafe.WriteUnaligned(target, events);
        Unsafe.WriteUnaligned(target + DataOffset, data);
    }

    public static EpollEvents Events(byte* source) => Unsafe.ReadUnaligned<EpollEvents>(source);

    public static ulong Data(byte* source) => Unsafe.ReadUnaligned<ulong>(source + DataOffset);
}
