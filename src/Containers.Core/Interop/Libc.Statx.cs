using System.Runtime.InteropServices;

namespace Containers.Interop;

// statx(2)
internal static unsafe partial class Libc
{
    [LibraryImport(Library, EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Statx(int directory, string path, int flags, uint mask, StatxBuffer* buffer);

    /// <summary>struct statx</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    public struct StatxBuffer
    {
        [FieldOffset(16)]
        public uint LinkCount;
        [FieldOffset(20)]
        public uint UserId;
        [FieldOffset(24)]
        public uint GroupId;
        [FieldOffset(28)]
        public ushort Mode;
        [FieldOffset(32)]
        public ulong Inode;
        [FieldOffset(40)]
        public ulong Size;
        [FieldOffset(112)]
        public long ModifiedSeconds;
        [FieldOffset(120)]
        public uint ModifiedNanoseconds;
        [FieldOffset(128)]
        public uint DeviceMajor;
        [FieldOffset(132)]
        public uint DeviceMinor;
        [FieldOffset(136)]
        public uint FileSystemMajor;
        [FieldOffset(140)]
        public uint FileSystemMinor;
    }
}
