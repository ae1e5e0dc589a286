using System.Net;
using Containers.Interop;

namespace Containers.Netlink;

/// <summary>
/// Lets a socket hear of some interfaces alone: the kernel looks before it wakes anybody. Without, each container's start and end would wake the
/// reactor some dozen times for nothing.
/// </summary>
internal static unsafe class LinkFilter
{
    private const ushort LoadWord = 0x20; // BPF_LD | BPF_W | BPF_ABS
    private const ushort JumpIfEqual = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
    private const ushort Return = 0x06; // BPF_RET | BPF_K
    private const uint Whole = uint.MaxValue;

    /// <summary>BPF_MAXINSNS</summary>
    private const int MostInstructions = 4096;

    /// <summary>Where a message has the interface's number: behind its header, family and type.</summary>
    private const uint IndexOffset = 16 + 4;

    /// <exception cref="NetworkException">The kernel refuses.</exception>
    public static void Attach(FileDescriptor socket, IReadOnlyCollection<int> interfaces)
    {
        var program = new List<ulong>((2 * interfaces.Count) + 2) { Instruction(LoadWord, IndexOffset) };
        foreach (var index in interfaces)
        {
            // Words are loaded in network order, and netlink's are the machine's.
            program.Add(Instruction(JumpIfEqual, (uint)IPAddress.HostToNetworkOrder(index), otherwise: 1));
            program.Add(Instruction(Return, Whole));
        }

        program.Add(Instruction(Return, 0));
        ulong[] instructions = program.Count <= MostInstructions ? [.. program] : [Instruction(Return, Whole)];
        fixed (ulong* first = instructions)
        {
            var filter = new Libc.FilterProgram { Length = (ushort)instructions.Length, Instructions = first };
            if (Libc.SetSocketOption(socket, Libc.SocketLevel, Libc.OptionAttachFilter, &filter, (uint)sizeof(Libc.FilterProgram)) != 0)
            {
                throw new NetworkException("choose what to hear of", "interfaces", ErrnoNames.Last);
            }
        }
    }

    /// <summary>struct sock_filter: two bytes of what, how far to jump where it is so and where not, and a number.</summary>
    private static ulong Instruction(ushort code, uint number, byte otherwise = 0) => code | ((ulong)otherwise << 24) | ((ulong)number << 32);
}
