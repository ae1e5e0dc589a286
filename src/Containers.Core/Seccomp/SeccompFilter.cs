namespace Containers.Seccomp;

/// <summary>A compiled filter.</summary>
/// <param name="Instructions">struct sock_filter, one after the other.</param>
/// <param name="Flags">SECCOMP_FILTER_FLAG_*.</param>
/// <param name="HasListener">Some calls are handed to this process, to be answered or to be named before they kill.</param>
internal sealed record SeccompFilter(ReadOnlyMemory<byte> Instructions, uint Flags, bool HasListener)
{
    public const int InstructionSize = 8;

    public int Length => Instructions.Length / InstructionSize;
}
