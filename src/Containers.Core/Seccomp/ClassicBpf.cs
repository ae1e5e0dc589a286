using System.Buffers.Binary;

namespace Containers.Seccomp;

/// <summary>Classic BPF as seccomp takes it (linux/filter.h, seccomp(2)): instructions that only jump forward.</summary>
internal sealed class ClassicBpf
{
    public const ushort LoadWord = 0x20; // BPF_LD | BPF_W | BPF_ABS
    public const ushort Jump = 0x05; // BPF_JMP | BPF_JA
    public const ushort JumpEqual = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
    public const ushort JumpGreater = 0x25; // BPF_JMP | BPF_JGT | BPF_K
    public const ushort JumpGreaterOrEqual = 0x35; // BPF_JMP | BPF_JGE | BPF_K
    public const ushort And = 0x54; // BPF_ALU | BPF_AND | BPF_K
    public const ushort Return = 0x06; // BPF_RET | BPF_K

    /// <summary>Of struct seccomp_data: the number, the architecture, then six arguments of 64 bits after the instruction pointer.</summary>
    public const uint NumberOffset = 0;
    public const uint MachineOffset = 4;
    public const uint ArgumentsOffset = 16;

    private readonly List<(ushort Code, byte True, byte False, uint Value)> _instructions = [];

    public int Length => _instructions.Count;

    public void Add(ushort code, uint value, int jumpTrue = 0, int jumpFalse = 0) =>
        _instructions.Add((code, checked((byte)jumpTrue), checked((byte)jumpFalse), value));

    public void Append(ClassicBpf block) => _instructions.AddRange(block._instructions);

    /// <summary>
    /// Compares, and goes on with one block where it holds and with the other where not. Neither of them falls through at its end.
    /// </summary>
    public void Branch(ushort comparison, uint value, ClassicBpf whenTrue, ClassicBpf whenFalse)
    {
        if (whenFalse.Length <= byte.MaxValue)
        {
            Add(comparison, value, jumpTrue: whenFalse.Length);
        }
        else
        {
            // Conditional jumps reach 255 instructions, this one as far as needed.
            Add(comparison, value, jumpFalse: 1);
            Add(Jump, (uint)whenFalse.Length);
        }

        Append(whenFalse);
        Append(whenTrue);
    }

    public byte[] ToBytes()
    {
        var bytes = new byte[_instructions.Count * SeccompFilter.InstructionSize];
        var at = bytes.AsSpan();
        foreach (var (code, jumpTrue, jumpFalse, value) in _instructions)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(at, code);
            at[2] = jumpTrue;
            at[3] = jumpFalse;
            BinaryPrimitives.WriteUInt32LittleEndian(at[4..], value);
            at = at[SeccompFilter.InstructionSize..];
        }

        return bytes;
    }
}
