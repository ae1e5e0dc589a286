using System.Runtime.InteropServices;

namespace Containers.Launch;

/// <summary>What the host and the launcher agree on: mirrors eng/launcher/launcher.h, number by number.</summary>
internal static class LauncherFormat
{
    public const ulong ProgramBase = 0x10000000;
    public const uint Magic = 0x53594350;
    public const uint Version = 1;
    public const int HeaderSize = 4096;
    public const int MaxProgram = 64 << 20;
    public const int MaxRetries = 128;
    public const int MaxPassedDescriptors = 64;

    /// <summary>Result cells that host and launcher share start here, in the header page.</summary>
    public const int SharedCellsOffset = 256;

    /// <summary>The program's descriptor in a process started by the host or by execve.</summary>
    public const int ProgramDescriptor = 3;

    /// <summary>The guardian's socket, also in its children until they close it.</summary>
    public const int SocketDescriptor = 4;

    /// <summary>In a child of the guardian: its program; what came with it follows.</summary>
    public const int FirstPassedDescriptor = 5;

    /// <summary>In place of clone flags: not a process is asked for but a signal.</summary>
    public const ulong SignalRequest = ulong.MaxValue;

    /// <summary>The same: a descriptor is to be held.</summary>
    public const ulong HoldRequest = ulong.MaxValue - 1;

    /// <summary>To an init that is not PID 1: it ends the job and everything below.</summary>
    public const int EndSignal = 64;

    public const int ExitFailed = 125;
    public const int ExitNoProgram = 124;

    /// <summary>Of a worker that has cloned the process it was for.</summary>
    public const int ExitCloned = 123;
}

internal enum StepOperation : ushort
{
    SystemCall = 0,
    JumpIfZero = 1,
    Assert = 2,
    Copy32 = 3,
    Phase = 4,
    Fail = 5,
    Serve = 6,
    Reap = 7,
}

[Flags]
internal enum StepFlags : ushort
{
    None = 0,
    Result32 = 1,
    RetryAgain = 2,
}

/// <summary>How far a program came, as it says itself.</summary>
internal enum LaunchPhase : uint
{
    Preparing = 0,

    /// <summary>Everything is in force; the next system call is the execve of user code.</summary>
    Executing = 1,
}

/// <summary>struct step</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ProgramStep
{
    public const int MaxIgnored = 4;
    public const ushort IgnoreAll = 0xffff;

    public StepOperation Operation;
    public StepFlags Flags;
    public uint Number;
    public uint Indirect;
    public uint Target;
    public ulong Result;
    public fixed ushort Ignored[MaxIgnored];
    public fixed ulong Arguments[6];
}

/// <summary>struct header</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ProgramHeader
{
    public uint Magic;
    public uint Version;
    public ulong Size;
    public ulong StepsOffset;
    public uint StepCount;
    public LaunchPhase Phase;

    /// <summary>Index of the failed step plus one; zero means none failed.</summary>
    public uint FailedStep;
    public int FailedErrno;
    public uint WaitStatusValid;
    public int WaitStatus;
}

/// <summary>struct request</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct LaunchRequestMessage
{
    public uint Id;
    public uint CgroupIndex;
    public ulong CloneFlags;
}

internal enum LauncherMessageKind : uint
{
    Spawned = 1,
    Exited = 2,
    Handover = 3,
    Ready = 4,

    /// <summary>From a worker: the process that counts, cloned by it. The guardian does not know this kind.</summary>
    Cloned = 5,

    /// <summary>From a program whose filter hands calls to this process: the descriptor they come by.</summary>
    Listener = 6,

    /// <summary>From a program that will wait at its gate: its network namespace.</summary>
    Network = 7,
}

/// <summary>struct message</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct LauncherMessage
{
    public const int Size = 40;
    public const int PidOffset = 8;

    public LauncherMessageKind Kind;
    public uint Id;
    public int Pid;
    public int Status;
    public ulong UserMicroseconds;
    public ulong SystemMicroseconds;
    public ulong MaxResidentBytes;
}
