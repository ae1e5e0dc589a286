using System.Runtime.InteropServices;

namespace Containers.Launch;

/// <summary>Constants and structures of the system calls that programs make (linux/sched.h, mount.h, prctl.h, openat2.h, fs.h).</summary>
internal static class Linux
{
    public const ulong CloneNewTime = 0x80;
    public const ulong ClonePidfd = 0x1000;
    public const ulong CloneParent = 0x8000;
    public const ulong CloneNewMount = 0x20000;
    public const ulong CloneNewCgroup = 0x2000000;
    public const ulong CloneNewUts = 0x4000000;
    public const ulong CloneNewIpc = 0x8000000;
    public const ulong CloneNewUser = 0x10000000;
    public const ulong CloneNewPid = 0x20000000;
    public const ulong CloneNewNetwork = 0x40000000;
    public const ulong CloneIntoCgroup = 0x200000000;
    public const ulong SignalChild = 17;

    public const int PrSetDumpable = 4;
    public const int PrSetKeepCapabilities = 8;
    public const int PrSetName = 15;
    public const int PrCapabilityBoundingSetDrop = 24;
    public const int PrSetTimerSlack = 29;
    public const int PrSetChildSubreaper = 36;
    public const int PrSetNoNewPrivileges = 38;
    public const int PrSetHugePagesDisabled = 41;
    public const int PrCapabilityAmbient = 47;
    public const int PrCapabilityAmbientRaise = 2;
    public const int PrCapabilityAmbientClearAll = 4;

    public const int FsOpenCloseOnExec = 1;
    public const int FsConfigSetFlag = 0;
    public const int FsConfigSetString = 1;
    public const int FsConfigCreate = 6;
    public const int FsMountCloseOnExec = 1;

    public const ulong MountReadOnly = 1;
    public const ulong MountNoSetUid = 2;
    public const ulong MountNoDevices = 4;
    public const ulong MountNoExecute = 8;
    public const ulong MountIdMapped = 1 << 20;
    public const ulong MountPrivate = 1 << 18;
    public const ulong MountSlave = 1 << 19;
    public const ulong MountShared = 1 << 20;
    public const int MoveMountFromEmptyPath = 4;
    public const int MoveMountToEmptyPath = 0x40;
    public const int OpenTreeClone = 1;
    public const int UnmountDetach = 2;

    public const ulong ResolveNoCrossing = 1;
    public const ulong ResolveNoMagicLinks = 2;
    public const ulong ResolveNoSymlinks = 4;
    public const ulong ResolveBeneath = 8;
    public const ulong ResolveInRoot = 16;

    public const uint ModeCharacterDevice = 0x2000;
    public const uint ModeBlockDevice = 0x6000;
    public const uint ModeRegular = 0x8000;

    /// <summary>struct clone_args, version 2 (Linux 5.7).</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct CloneArguments
    {
        public const int Size = 88;

        public ulong Flags;
        public ulong Pidfd;
        public ulong ChildTid;
        public ulong ParentTid;
        public ulong ExitSignal;
        public ulong Stack;
        public ulong StackSize;
        public ulong Tls;
        public ulong SetTid;
        public ulong SetTidSize;
        public ulong Cgroup;
    }

    /// <summary>struct open_how</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct OpenHow
    {
        public const int Size = 24;

        public ulong Flags;
        public ulong Mode;
        public ulong Resolve;
    }

    /// <summary>struct mount_attr</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct MountAttributes
    {
        public const int Size = 32;

        public ulong Set;
        public ulong Clear;
        public ulong Propagation;
        public ulong UserNamespace;
    }

    /// <summary>struct iovec, as data of a program.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct IoVector
    {
        public ulong Base;
        public ulong Length;
    }

    /// <summary>struct msghdr, as data of a program.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct MessageHeader
    {
        public ulong Name;
        public ulong NameLength;
        public ulong Parts;
        public ulong PartCount;
        public ulong Control;
        public ulong ControlLength;
        public ulong Flags;
    }
}
