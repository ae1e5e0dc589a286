using System.Runtime.InteropServices;

namespace Containers.Interop;

// getpriority(2), sched_getscheduler(2), ioprio_get(2): all of the calling thread
internal static unsafe partial class Libc
{
    public const int PriorityOfProcess = 0; // PRIO_PROCESS
    public const int InputOutputPriorityOfProcess = 1; // IOPRIO_WHO_PROCESS

    /// <summary>The nice value; -1 is one as well as a failure, which cannot be here.</summary>
    public static int NiceValue() => GetPriority(PriorityOfProcess, 0);

    /// <summary>The class of the processor's scheduler; negative where the call is refused.</summary>
    public static int SchedulingPolicy() => (int)CallOfTwo(IsArm64 ? 120 : 145, 0, 0) & ~ResetOnFork; // not the C library's: musl's refuses

    /// <summary>The class of the disk's scheduler, 0 for none; negative where the call is refused.</summary>
    public static int InputOutputClass()
    {
        const int ClassShift = 13;
        return (int)CallOfTwo(IsArm64 ? 31 : 252, InputOutputPriorityOfProcess, 0) >> ClassShift;
    }

    private static bool IsArm64 => RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    private const int ResetOnFork = 0x40000000;

    [LibraryImport(Library, EntryPoint = "getpriority", SetLastError = true)]
    private static partial int GetPriority(int which, uint who);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint CallOfTwo(nint number, nint first, nint second);
}
