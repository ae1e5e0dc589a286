using System.Runtime.InteropServices;

namespace Containers.Interop;

// getxattr(2), setxattr(2)
internal static unsafe partial class Libc
{
    [LibraryImport(Library, EntryPoint = "getxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint GetXattrOf(string path, string name, byte* value, nuint size);

    [LibraryImport(Library, EntryPoint = "setxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SetXattrOf(string path, string name, byte* value, nuint size, int flags);
}
