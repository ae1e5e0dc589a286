using System.Runtime.InteropServices;

namespace Containers.Interop;

// splice(2)
internal static unsafe partial class Libc
{
    public const uint SpliceMove = 1;
    public const uint SpliceNonBlocking = 2;

    [LibraryImport(Library, EntryPoint = "splice", SetLastError = true)]
    public static partial nint Splice(SafeHandle source, long* sourceOffset, SafeHandle target, long* targetOffset, nuint count, uint flags);
}
