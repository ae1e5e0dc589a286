using System.Runtime.InteropServices;
using Containers.Seccomp;

namespace Containers.Launch;

/// <summary>The filter of system calls (seccomp(2)).</summary>
internal static class SeccompSteps
{
    private const int SetModeFilter = 1; // SECCOMP_SET_MODE_FILTER
    private const uint NewListener = 8; // SECCOMP_FILTER_FLAG_NEW_LISTENER

    public static void Install(ProgramBuilder program, SeccompFilter filter) => Install(program, filter, 0);

    /// <summary>Returns the descriptor by which calls are handed over.</summary>
    public static Cell InstallWithListener(ProgramBuilder program, SeccompFilter filter)
    {
        var listener = program.NewCell();
        Install(program, filter, NewListener).Into(listener);
        return listener;
    }

    private static StepReference Install(ProgramBuilder program, SeccompFilter filter, uint flags)
    {
        var instructions = program.Bytes(filter.Instructions.Span);

        // struct sock_fprog
        ReadOnlySpan<ulong> head = [(ulong)filter.Length, instructions.Value];
        return program.Call(SystemCall.Seccomp, "install the filter of", "system calls", SetModeFilter, filter.Flags | flags, program.Bytes(MemoryMarshal.AsBytes(head)));
    }
}
