using System.Text;
using Containers.Interop;

namespace Containers.Cgroups.Devices;

/// <summary>
/// A rule set as a program of type BPF_PROG_TYPE_CGROUP_DEVICE, which the kernel asks before a process of the group opens or makes a
/// device file: 1 allows, 0 is EPERM (linux/bpf.h, struct bpf_cgroup_dev_ctx).
/// </summary>
internal static unsafe class DeviceProgram
{
    private const byte Result = 0;
    private const byte Context = 1;
    private const byte Kind = 2;
    private const byte Access = 3;
    private const byte Major = 4;
    private const byte Minor = 5;
    private const byte Scratch = 1; // the context is not needed once its fields are loaded

    // struct bpf_cgroup_dev_ctx { u32 access_type; u32 major; u32 minor; }, where access_type is access << 16 | kind.
    private const short AccessTypeOffset = 0;
    private const short MajorOffset = 4;
    private const short MinorOffset = 8;
    private const int KindMask = 0xFFFF;
    private const int AccessShift = 16;
    private const int KindBlock = 1;
    private const int KindCharacter = 2;

    private const int VerifierLogSize = 64 * 1024;

    public static ulong[] Assemble(DeviceRuleSet set)
    {
        var code = new BpfAssembler();
        code.Load(Kind, Context, AccessTypeOffset);
        code.MoveFrom(Access, Kind);
        code.And(Kind, KindMask);
        code.ShiftRight(Access, AccessShift);
        code.Load(Major, Context, MajorOffset);
        code.Load(Minor, Context, MinorOffset);

        Span<int> jumps = stackalloc int[4];
        foreach (var rule in set.Rules)
        {
            var count = 0;
            jumps[count++] = code.JumpUnless(Kind, rule.Kind == DeviceKind.Block ? KindBlock : KindCharacter);
            if (rule.Access != DeviceAccess.All)
            {
                // Everything that is asked must be allowed: (access & allowed) == access.
                code.MoveFrom(Scratch, Access);
                code.And(Scratch, (int)rule.Access);
                jumps[count++] = code.JumpUnlessSame(Scratch, Access);
            }

            if (rule.Major is { } major)
            {
                jumps[count++] = code.JumpUnless(Major, (int)major);
            }

            if (rule.Minor is { } minor)
            {
                jumps[count++] = code.JumpUnless(Minor, (int)minor);
            }

            code.Move(Result, 1);
            code.Exit();
            foreach (var jump in jumps[..count])
            {
                code.LandHere(jump);
            }
        }

        code.Move(Result, 0);
        code.Exit();
        return code.ToArray();
    }

    public static FileDescriptor Load(DeviceRuleSet set)
    {
        var instructions = Assemble(set);
        var program = Load(instructions, default);
        if (!program.IsInvalid)
        {
            return program;
        }

        // Once more with the verifier's reasons, which cost it time.
        program.Dispose();
        var log = new byte[VerifierLogSize];
        program = Load(instructions, log);
        if (!program.IsInvalid)
        {
            return program;
        }

        var errno = ErrnoNames.Last;
        program.Dispose();
        var reason = Encoding.UTF8.GetString(log.AsSpan(0, Math.Max(0, log.AsSpan().IndexOf((byte)0)))).Trim();
        throw new ContainerException(
            "load the program of the container's device rules with bpf(2)",
            null,
            errno,
            reason.Length == 0 ? "It takes CAP_BPF or CAP_SYS_ADMIN on the host, and a kernel with CONFIG_CGROUP_BPF." : reason);
    }

    public static void Attach(FileDescriptor program, FileDescriptor group, string path)
    {
        var attributes = new Libc.BpfAttachAttributes
        {
            Target = (uint)group.Number,
            Program = (uint)program.Number,
            AttachType = Libc.BpfAttachCgroupDevice,

            // A program that a service manager attached above must allow the access, too.
            Flags = Libc.BpfAttachAllowMulti,
        };
        if (Libc.BpfAttach(Libc.SysBpf, Libc.BpfProgAttach, &attributes, sizeof(Libc.BpfAttachAttributes)) < 0)
        {
            throw new ContainerException(
                "attach the device rules to", path, ErrnoNames.Last, "It takes CAP_BPF with CAP_NET_ADMIN, or CAP_SYS_ADMIN, on the host.");
        }
    }

    private static FileDescriptor Load(ReadOnlySpan<ulong> instructions, Span<byte> log)
    {
        fixed (ulong* code = instructions)
        fixed (byte* license = "MIT\0"u8, logBuffer = log)
        {
            var attributes = new Libc.BpfLoadAttributes
            {
                ProgramType = Libc.BpfProgTypeCgroupDevice,
                InstructionCount = (uint)instructions.Length,
                Instructions = (ulong)code,
                License = (ulong)license,
                LogLevel = log.IsEmpty ? 0u : 1u,
                LogSize = (uint)log.Length,
                LogBuffer = (ulong)logBuffer,
                ExpectedAttachType = Libc.BpfAttachCgroupDevice,
            };
            return new FileDescriptor((int)Libc.BpfLoad(Libc.SysBpf, Libc.BpfProgLoad, &attributes, sizeof(Libc.BpfLoadAttributes)));
        }
    }
}
