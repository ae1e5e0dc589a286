using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Containers.Seccomp;

/// <summary>A convention of system calls: one processor can have several (audit.h, AUDIT_ARCH_*).</summary>
/// <param name="Name">As in Docker's profiles.</param>
/// <param name="OciName">As in the runtime specification.</param>
/// <param name="Audit">What seccomp_data.arch holds.</param>
/// <param name="Column">Of the table of system calls.</param>
internal sealed record SeccompMachine(string Name, string OciName, uint Audit, int Column)
{
    /// <summary>Set in the numbers of x32, which otherwise looks like x86-64.</summary>
    public const uint X32Bit = 0x40000000;

    public static SeccompMachine X64 { get; } = new("amd64", "SCMP_ARCH_X86_64", 0xC000003E, 0);

    public static SeccompMachine X86 { get; } = new("x86", "SCMP_ARCH_X86", 0x40000003, 1);

    public static SeccompMachine X32 { get; } = new("x32", "SCMP_ARCH_X32", 0xC000003E, 2);

    public static SeccompMachine Arm64 { get; } = new("arm64", "SCMP_ARCH_AARCH64", 0xC00000B7, 3);

    public static SeccompMachine Arm { get; } = new("arm", "SCMP_ARCH_ARM", 0x40000028, 4);

    public static ImmutableArray<SeccompMachine> All { get; } = [X64, X86, X32, Arm64, Arm];

    /// <summary>The one this process runs on.</summary>
    public static SeccompMachine Native { get; } = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? Arm64 : X64;

    /// <summary>The others that the same processor runs.</summary>
    public ImmutableArray<SeccompMachine> Compatible => this == X64 ? [X86, X32] : this == Arm64 ? [Arm] : [];
}
