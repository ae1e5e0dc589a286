using System.Runtime.InteropServices;

namespace Containers.Interop;

// Calls on the files of a control group with a path of bytes, and what tells of changes in one:
// open(2), mkdir(2), chmod(2), rmdir(2), faccessat(2), getxattr(2), getdents64(2), inotify(7), poll(2), bpf(2)
internal static unsafe partial class Libc
{
    public const int AccessExecute = 1;
    public const int AccessWrite = 2;
    public const int AtEffectiveIds = 0x200;

    public const int InotifyCloseOnExec = 0x80000;
    public const int InotifyNonBlocking = 0x800;
    public const uint InotifyModify = 2;

    public const short PollPriority = 2;
    public const short PollError = 8;

    public const byte DirectoryEntryDirectory = 4;


    public const int BpfProgLoad = 5;
    public const int BpfProgAttach = 8;
    public const uint BpfProgTypeCgroupDevice = 15;
    public const uint BpfAttachCgroupDevice = 6;
    public const uint BpfAttachAllowMulti = 2;

    // From include/uapi/asm-generic/unistd.h and arch/x86/entry/syscalls/syscall_64.tbl.
    public static readonly nint SysGetDirectoryEntries = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 61 : 217;
    public static readonly nint SysBpf = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 280 : 321;
    public const nint SysPidfdSendSignal = 424;
    public const nint SysPidfdOpen = 434;

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true)]
    public static partial FileDescriptor OpenBytes(byte* path, int flags, uint mode = 0);

    [LibraryImport(Library, EntryPoint = "mkdir", SetLastError = true)]
    public static partial int MakeDirectoryBytes(byte* path, uint mode);

    [LibraryImport(Library, EntryPoint = "chmod", SetLastError = true)]
    public static partial int ChangeModeBytes(byte* path, uint mode);

    [LibraryImport(Library, EntryPoint = "rmdir", SetLastError = true)]
    public static partial int RemoveDirectoryBytes(byte* path);

    [LibraryImport(Library, EntryPoint = "faccessat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int AccessAt(int directory, string path, int mode, int flags);

    [LibraryImport(Library, EntryPoint = "getxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint GetExtendedAttribute(string path, string name, byte* value, nuint size);

    [LibraryImport(Library, EntryPoint = "inotify_init1", SetLastError = true)]
    public static partial FileDescriptor InotifyInit(int flags);

    [LibraryImport(Library, EntryPoint = "inotify_add_watch", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int InotifyAddWatch(FileDescriptor inotify, string path, uint mask);

    [LibraryImport(Library, EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(PollEntry* entries, nuint count, int timeoutMilliseconds);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    public static partial nint GetDirectoryEntries(nint number, FileDescriptor fd, byte* buffer, nint size);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    public static partial nint BpfLoad(nint number, nint command, BpfLoadAttributes* attributes, nint size);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    public static partial nint BpfAttach(nint number, nint command, BpfAttachAttributes* attributes, nint size);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    public static partial nint PidfdOpenCall(nint number, nint pid, nint flags);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    public static partial nint PidfdSendSignalCall(nint number, FileDescriptor pidfd, nint signal, nint info, nint flags);

    /// <summary>struct pollfd.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }


    /// <summary>union bpf_attr of BPF_PROG_LOAD (linux/bpf.h), up to expected_attach_type.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 72)]
    public struct BpfLoadAttributes
    {
        [FieldOffset(0)]
        public uint ProgramType;
        [FieldOffset(4)]
        public uint InstructionCount;
        [FieldOffset(8)]
        public ulong Instructions;
        [FieldOffset(16)]
        public ulong License;
        [FieldOffset(24)]
        public uint LogLevel;
        [FieldOffset(28)]
        public uint LogSize;
        [FieldOffset(32)]
        public ulong LogBuffer;
        [FieldOffset(68)]
        public uint ExpectedAttachType;
    }

    /// <summary>union bpf_attr of BPF_PROG_ATTACH.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct BpfAttachAttributes
    {
        public uint Target;
        public uint Program;
        public uint AttachType;
        public uint Flags;
    }
}
