namespace Containers.Seccomp;

/// <summary>A rule with conditions as code: it returns the action where all hold, and ends behind itself where one does not.</summary>
internal static class RuleCode
{
    public static void Append(ClassicBpf program, SeccompRule rule)
    {
        var steps = new List<Step>();
        foreach (var condition in rule.Conditions)
        {
            Compare(steps, condition);
        }

        steps.Add(new Step(ClassicBpf.Return, rule.Action.Value, To.Next, To.Next));
        for (var i = 0; i < steps.Count; i++)
        {
            var (code, value, whenTrue, whenFalse) = steps[i];
            program.Add(code, value, Distance(whenTrue, i), Distance(whenFalse, i));
        }

        int Distance(To to, int from) => to == To.End ? steps.Count - from - 1 : (int)to;
    }

    /// <summary>Compares 64 bits by halves, the high one first: where it decides, the low one is skipped.</summary>
    private static void Compare(List<Step> steps, in SeccompCondition condition)
    {
        var (low, high) = ((uint)condition.Value, (uint)(condition.Value >> 32));
        var offset = ClassicBpf.ArgumentsOffset + (8 * (uint)condition.Index);
        switch (condition.Comparison)
        {
            case SeccompComparison.Equal:
                Load(offset + 4);
                Jump(ClassicBpf.JumpEqual, high, To.Next, To.End);
                Load(offset);
                Jump(ClassicBpf.JumpEqual, low, To.Next, To.End);
                break;
            case SeccompComparison.MaskedEqual:
                Load(offset + 4);
                And(high);
                Jump(ClassicBpf.JumpEqual, (uint)(condition.Masked >> 32), To.Next, To.End);
                Load(offset);
                And(low);
                Jump(ClassicBpf.JumpEqual, (uint)condition.Masked, To.Next, To.End);
                break;
            case SeccompComparison.NotEqual:
                Load(offset + 4);
                Jump(ClassicBpf.JumpEqual, high, To.Next, To.SkipTwo);
                Load(offset);
                Jump(ClassicBpf.JumpEqual, low, To.End, To.Next);
                break;
            case SeccompComparison.Greater or SeccompComparison.GreaterOrEqual:
                Load(offset + 4);
                Jump(ClassicBpf.JumpGreater, high, To.SkipThree, To.Next);
                Jump(ClassicBpf.JumpEqual, high, To.Next, To.End);
                Load(offset);
                Jump(condition.Comparison == SeccompComparison.Greater ? ClassicBpf.JumpGreater : ClassicBpf.JumpGreaterOrEqual, low, To.Next, To.End);
                break;
            default:
                Load(offset + 4);
                Jump(ClassicBpf.JumpGreater, high, To.End, To.Next);
                Jump(ClassicBpf.JumpEqual, high, To.Next, To.SkipTwo);
                Load(offset);
                Jump(condition.Comparison == SeccompComparison.Less ? ClassicBpf.JumpGreaterOrEqual : ClassicBpf.JumpGreater, low, To.End, To.Next);
                break;
        }

        void Load(uint at) => steps.Add(new Step(ClassicBpf.LoadWord, at, To.Next, To.Next));
        void And(uint mask) => steps.Add(new Step(ClassicBpf.And, mask, To.Next, To.Next));
        void Jump(ushort code, uint value, To whenTrue, To whenFalse) => steps.Add(new Step(code, value, whenTrue, whenFalse));
    }

    /// <summary>Where a comparison leads: on, over the rest of this condition, or behind the rule.</summary>
    private enum To
    {
        Next = 0,
        SkipTwo = 2,
        SkipThree = 3,
        End = -1,
    }

    private readonly record struct Step(ushort Code, uint Value, To WhenTrue, To WhenFalse);
}
