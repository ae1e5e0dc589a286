using System.Collections.Immutable;
using Containers.Interop;

namespace Containers.Seccomp;

/// <summary>
/// Compiles a profile: for each machine a binary search over ranges of numbers with one answer, whose leaves are answers or, where
/// a rule looks at arguments, comparisons in the order of the rules.
/// </summary>
internal static class SeccompCompiler
{
    private const int MaxInstructions = 4096; // BPF_MAXINSNS
    private const ushort NoSuchCall = (ushort)Errno.ENOSYS;

    /// <param name="profile">What to compile.</param>
    /// <param name="capabilities">Of the container, as a mask.</param>
    /// <param name="native">The machine it is for.</param>
    /// <param name="kernel">The version of the kernel, for rules that depend on it.</param>
    /// <param name="asksBeforeKilling">Calls that kill are handed to this process instead, which can say which one it was.</param>
    public static SeccompFilter Compile(SeccompContent profile, ulong capabilities, SeccompMachine native, Version kernel, bool asksBeforeKilling = false)
    {
        var rules = profile.Rules.Where(rule => rule.AppliesTo(capabilities, native.Name, kernel)).ToArray();
        if (asksBeforeKilling)
        {
            rules = [.. rules.Select(static rule => rule.Action.Kills ? rule with { Action = SeccompAction.Notify } : rule)];
            profile = profile with { DefaultAction = profile.DefaultAction.Kills ? SeccompAction.Notify : profile.DefaultAction };
        }

        var wanted = profile.Machines.Where(machine => machine.Native is null || machine.Native == native.OciName).Select(static machine => machine.Machine).ToHashSet(StringComparer.Ordinal);
        var program = Returning(SeccompAction.KillProcess);
        foreach (var machine in native.Compatible.Reverse().Append(native))
        {
            // x32 has the architecture of x86-64 and is told apart there.
            if (machine == native || (machine != SeccompMachine.X32 && wanted.Contains(machine.OciName)))
            {
                var otherwise = program;
                program = new ClassicBpf();
                program.Branch(ClassicBpf.JumpEqual, machine.Audit, Search(profile, rules, machine, wanted.Contains(SeccompMachine.X32.OciName)), otherwise);
            }
        }

        var whole = new ClassicBpf();
        whole.Add(ClassicBpf.LoadWord, ClassicBpf.MachineOffset);
        whole.Append(program);
        return whole.Length <= MaxInstructions
            ? new SeccompFilter(whole.ToBytes(), profile.Flags, profile.DefaultAction.Notifies || rules.Any(static rule => rule.Action.Notifies))
            : throw new ContainerException("compile the seccomp profile", null, Errno.E2BIG,
                $"It takes {whole.Length} instructions; the kernel takes {MaxInstructions}. Use fewer rules with arguments.");
    }

    /// <summary>What a machine's calls get. A number in the accumulator is looked for.</summary>
    private static ClassicBpf Search(SeccompContent profile, SeccompRule[] rules, SeccompMachine machine, bool hasX32)
    {
        var block = new ClassicBpf();
        block.Add(ClassicBpf.LoadWord, ClassicBpf.NumberOffset);
        var own = Tree(Ranges(profile, rules, machine, 0), 0, int.MaxValue);
        if (machine == SeccompMachine.X64)
        {
            // Numbers of x32 are none of x86-64: they are calls that do not exist, unless the profile has that machine too.
            var x32 = hasX32 ? Tree(Ranges(profile, rules, SeccompMachine.X32, SeccompMachine.X32Bit), 0, int.MaxValue) : Returning(SeccompAction.Error(NoSuchCall));
            block.Branch(ClassicBpf.JumpGreaterOrEqual, SeccompMachine.X32Bit, x32, own);
        }
        else
        {
            block.Append(own);
        }

        return block;
    }

    /// <summary>The first numbers of ranges with one answer, in order, with the answer; the first one is 0.</summary>
    private static List<(uint First, Answer Answer)> Ranges(SeccompContent profile, SeccompRule[] rules, SeccompMachine machine, uint offset)
    {
        var byNumber = new SortedDictionary<int, List<SeccompRule>>();
        foreach (var rule in rules)
        {
            foreach (var name in rule.Names)
            {
                if (SystemCallTable.NumberOf(name, machine) is { } number)
                {
                    if (!byNumber.TryGetValue(number, out var list))
                    {
                        byNumber.Add(number, list = []);
                    }

                    list.Add(rule);
                }
            }
        }

        var other = new Answer([], profile.DefaultAction);
        var ranges = new List<(uint, Answer)>();
        var next = 0;
        foreach (var (number, list) in byNumber)
        {
            if (number > next)
            {
                AddRange(ranges, offset + (uint)next, other);
            }

            AddRange(ranges, offset + (uint)number, Answer.Of(list, profile.DefaultAction));
            next = number + 1;
        }

        // Newer than the table: programs take ENOSYS for a sign to do without, EPERM for a failure.
        var highest = SystemCallTable.Highest(machine) + 1;
        if (next < highest)
        {
            AddRange(ranges, offset + (uint)next, other);
            next = highest;
        }

        AddRange(ranges, offset + (uint)next, profile.DefaultAction.IsError ? new Answer([], SeccompAction.Error(NoSuchCall)) : other);
        return ranges;
    }

    private static void AddRange(List<(uint First, Answer Answer)> ranges, uint first, Answer answer)
    {
        if (ranges.Count == 0 || !ranges[^1].Answer.IsSame(answer))
        {
            ranges.Add((first, answer));
        }
    }

    private static ClassicBpf Tree(List<(uint First, Answer Answer)> ranges, int from, int to)
    {
        to = Math.Min(to, ranges.Count);
        if (to - from == 1)
        {
            return ranges[from].Answer.ToCode();
        }

        var middle = (from + to) / 2;
        var node = new ClassicBpf();
        node.Branch(ClassicBpf.JumpGreaterOrEqual, ranges[middle].First, Tree(ranges, middle, to), Tree(ranges, from, middle));
        return node;
    }

    private static ClassicBpf Returning(SeccompAction action)
    {
        var block = new ClassicBpf();
        block.Add(ClassicBpf.Return, action.Value);
        return block;
    }

    /// <summary>What a call gets: the action of the first rule that holds, or the last one.</summary>
    private sealed record Answer(ImmutableArray<SeccompRule> Conditional, SeccompAction Otherwise)
    {
        public static Answer Of(List<SeccompRule> rules, SeccompAction defaultAction)
        {
            var sure = rules.FindIndex(static rule => rule.Conditions.IsEmpty);
            return sure < 0 ? new Answer([.. rules], defaultAction) : new Answer([.. rules[..sure]], rules[sure].Action);
        }

        public bool IsSame(Answer other) => Otherwise == other.Otherwise && Conditional.SequenceEqual(other.Conditional);

        public ClassicBpf ToCode()
        {
            var code = new ClassicBpf();
            foreach (var rule in Conditional)
            {
                RuleCode.Append(code, rule);
            }

            code.Add(ClassicBpf.Return, Otherwise.Value);
            return code;
        }
    }
}
