using System.Collections.Immutable;

namespace Containers.Seccomp;

/// <summary>What a filter answers to a call, in the kernel's numbers (linux/seccomp.h): an action, with data in the low 16 bits.</summary>
internal readonly record struct SeccompAction(uint Value)
{
    private const uint DataMask = 0xffff;

    public static SeccompAction KillProcess { get; } = new(0x80000000);

    public static SeccompAction KillThread { get; } = new(0);

    public static SeccompAction Trap { get; } = new(0x00030000);

    public static SeccompAction Notify { get; } = new(0x7fc00000);

    public static SeccompAction Log { get; } = new(0x7ffc0000);

    public static SeccompAction Allow { get; } = new(0x7fff0000);

    public static SeccompAction Error(ushort errno) => new(0x00050000u | errno);

    public static SeccompAction Trace(ushort data) => new(0x7ff00000u | data);

    public bool IsError => (Value & ~DataMask) == 0x00050000;

    public bool Kills => Value is 0 or 0x80000000;

    public bool Notifies => this == Notify;

    /// <summary>The call is not made, whoever watches.</summary>
    public bool Refuses => IsError || Kills || this == Trap;
}

/// <summary>SCMP_CMP_*: how an argument is compared, as 64 bits without sign.</summary>
internal enum SeccompComparison
{
    NotEqual,
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
    MaskedEqual,
}

/// <summary>One comparison of a rule.</summary>
/// <param name="Index">Which argument, 0 to 5.</param>
/// <param name="Comparison">How.</param>
/// <param name="Value">With what; the mask of a masked comparison.</param>
/// <param name="Masked">What the masked argument has to be.</param>
internal readonly record struct SeccompCondition(int Index, SeccompComparison Comparison, ulong Value, ulong Masked)
{
    public bool Holds(ulong argument) => Comparison switch
    {
        SeccompComparison.NotEqual => argument != Value,
        SeccompComparison.Less => argument < Value,
        SeccompComparison.LessOrEqual => argument <= Value,
        SeccompComparison.Equal => argument == Value,
        SeccompComparison.GreaterOrEqual => argument >= Value,
        SeccompComparison.Greater => argument > Value,
        _ => (argument & Value) == Masked,
    };
}

/// <summary>Where a rule applies: Docker's includes and excludes.</summary>
/// <param name="Capabilities">As a mask.</param>
/// <param name="Machines">By their names in Docker's profiles (amd64, arm64).</param>
/// <param name="MinKernel">The least version of the kernel; null for any.</param>
internal sealed record SeccompScope(ulong Capabilities, ImmutableArray<string> Machines, Version? MinKernel);

/// <summary>A rule: for these calls, where every condition holds, this action.</summary>
internal sealed record SeccompRule(
    ImmutableArray<string> Names, SeccompAction Action, ImmutableArray<SeccompCondition> Conditions, SeccompScope? Includes, SeccompScope? Excludes)
{
    public static SeccompRule For(ImmutableArray<string> names, SeccompAction action) => new(names, action, [], null, null);

    /// <summary>Whether the rule counts for a container with these capabilities, on this machine and kernel.</summary>
    public bool AppliesTo(ulong capabilities, string machine, Version kernel)
    {
        if (Includes is { } needed && ((capabilities & needed.Capabilities) != needed.Capabilities ||
            (!needed.Machines.IsEmpty && !needed.Machines.Contains(machine)) || (needed.MinKernel is { } least && kernel < least)))
        {
            return false;
        }

        return Excludes is not { } refused || ((capabilities & refused.Capabilities) == 0 &&
            !refused.Machines.Contains(machine) && (refused.MinKernel is not { } from || kernel < from));
    }
}
