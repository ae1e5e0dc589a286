using System.Runtime.InteropServices;

namespace Containers.Launch;

/// <summary>The filter of system calls (seccomp(2)).</summary>
internal static class SeccompSteps
{
    private const int SetModeFilter = 1; // SECCOMP_SET_MODE_FILTER

    public static void Install(ProgramBuilder program, SeccompProfile profile, ulong capabilities)
    {
        var filter = profile.Compile(capabilities);
        var instructions = program.Bytes(filter.Instructions.Span);

        // struct sock_fprog
        ReadOnlySpan<ulong> head = [(ulong)filter.Length, instructions.Value];
        program.Call(SystemCall.Seccomp, "install the filter of", "system calls", SetModeFilter, filter.Flags, program.Bytes(MemoryMarshal.AsBytes(head)));
    }
}
