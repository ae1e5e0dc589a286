using System.Runtime.InteropServices;

namespace Containers.Interop;

// TIOCSWINSZ(2const), F_DUPFD_CLOEXEC of fcntl(2)
internal static unsafe partial class Libc
{
    public const nuint TerminalSetWindowSize = 0x5414;
    public const int FcntlDuplicateCloseOnExec = 1030;

    [LibraryImport(Library, EntryPoint = "ioctl", SetLastError = true)]
    public static partial int TerminalControl(FileDescriptor terminal, nuint request, WindowSize* size);

    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    public static partial FileDescriptor Duplicate(FileDescriptor fd, int command, nint lowest);

    /// <summary>struct winsize of asm-generic/termios.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct WindowSize
    {
        public ushort Rows;
        public ushort Columns;
        public ushort HorizontalPixels;
        public ushort VerticalPixels;
    }
}
