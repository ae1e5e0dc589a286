using System.Buffers.Binary;
using Containers.Seccomp;

namespace Containers.Tests.Seccomp;

/// <summary>Runs a filter as the kernel does, and refuses what the kernel would: jumps outside, ends without an answer.</summary>
internal static class BpfMachine
{
    public static uint Run(SeccompFilter filter, uint machine, uint number, params ReadOnlySpan<ulong> arguments)
    {
        Span<byte> data = stackalloc byte[64];
        data.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(data, number);
        BinaryPrimitives.WriteUInt32LittleEndian(data[4..], machine);
        for (var i = 0; i < arguments.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(data[(16 + (8 * i))..], arguments[i]);
        }

        var program = filter.Instructions.Span;
        uint accumulator = 0;
        for (var at = 0; ;)
        {
            Assert.InRange(at, 0, filter.Length - 1);
            var instruction = program.Slice(at * SeccompFilter.InstructionSize, SeccompFilter.InstructionSize);
            var value = BinaryPrimitives.ReadUInt32LittleEndian(instruction[4..]);
            at++;
            switch (BinaryPrimitives.ReadUInt16LittleEndian(instruction))
            {
                case 0x20: // BPF_LD | BPF_W | BPF_ABS
                    Assert.Equal(0u, value % 4);
                    accumulator = BinaryPrimitives.ReadUInt32LittleEndian(data[(int)value..]);
                    break;
                case 0x54: // BPF_ALU | BPF_AND | BPF_K
                    accumulator &= value;
                    break;
                case 0x05: // BPF_JMP | BPF_JA
                    at += (int)value;
                    break;
                case 0x15: // JEQ
                    at += accumulator == value ? instruction[2] : instruction[3];
                    break;
                case 0x25: // JGT
                    at += accumulator > value ? instruction[2] : instruction[3];
                    break;
                case 0x35: // JGE
                    at += accumulator >= value ? instruction[2] : instruction[3];
                    break;
                case 0x06: // RET
                    return value;
                case var other:
                    throw new InvalidOperationException($"Instruction {other:x} at {at - 1} is none that filters use.");
            }
        }
    }
}
