using System.Runtime.InteropServices;

// Every declaration names the C library through the system's own search path, never the application's folder.
[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]

namespace Containers.Interop;

/// <summary>Declarations of libc functions, one file a subject. Nothing here decides anything.</summary>
internal static partial class Libc
{
    private const string Library = "libc";
}
