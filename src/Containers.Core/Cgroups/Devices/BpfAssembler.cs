namespace Containers.Cgroups.Devices;

/// <summary>
/// Writes the few eBPF instructions a device program is made of (RFC 9669; struct bpf_insn of linux/bpf.h): 8 bytes each, opcode,
/// registers, jump offset, immediate.
/// </summary>
internal sealed class BpfAssembler
{
    // Class | size or source | operation.
    private const byte LoadWord = 0x61;             // BPF_LDX | BPF_W | BPF_MEM
    private const byte MoveImmediate = 0xB7;        // BPF_ALU64 | BPF_MOV | BPF_K
    private const byte MoveRegister = 0xBF;         // BPF_ALU64 | BPF_MOV | BPF_X
    private const byte AndImmediate = 0x54;         // BPF_ALU | BPF_AND | BPF_K
    private const byte ShiftRightImmediate = 0x74;  // BPF_ALU | BPF_RSH | BPF_K
    private const byte JumpNotEqualImmediate = 0x55; // BPF_JMP | BPF_JNE | BPF_K
    private const byte JumpNotEqualRegister = 0x5D; // BPF_JMP | BPF_JNE | BPF_X
    private const byte ExitProgram = 0x95;          // BPF_JMP | BPF_EXIT

    private readonly List<ulong> _instructions = [];

    public int Position => _instructions.Count;

    public ulong[] ToArray() => [.. _instructions];

    public void Load(byte target, byte source, short offset) => Emit(LoadWord, target, source, offset, 0);

    public void Move(byte target, int value) => Emit(MoveImmediate, target, 0, 0, value);

    public void MoveFrom(byte target, byte source) => Emit(MoveRegister, target, source, 0, 0);

    public void And(byte target, int mask) => Emit(AndImmediate, target, 0, 0, mask);

    public void ShiftRight(byte target, int bits) => Emit(ShiftRightImmediate, target, 0, 0, bits);

    /// <summary>Emits a jump whose offset <see cref="LandHere"/> fills in; returns its position.</summary>
    public int JumpUnless(byte register, int value)
    {
        Emit(JumpNotEqualImmediate, register, 0, 0, value);
        return Position - 1;
    }

    /// <inheritdoc cref="JumpUnless"/>
    public int JumpUnlessSame(byte register, byte other)
    {
        Emit(JumpNotEqualRegister, register, other, 0, 0);
        return Position - 1;
    }

    public void Exit() => Emit(ExitProgram, 0, 0, 0, 0);

    /// <summary>Makes the jump at a position land on the next instruction; its offset counts from the one after the jump.</summary>
    public void LandHere(int jump) => _instructions[jump] |= (ulong)(ushort)checked((short)(Position - jump - 1)) << 16;

    private void Emit(byte opcode, byte target, byte source, short offset, int immediate) => _instructions.Add(
        opcode | ((ulong)target << 8) | ((ulong)source << 12) | ((ulong)(ushort)offset << 16) | ((ulong)(uint)immediate << 32));
}
