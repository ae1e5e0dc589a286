namespace Containers.Nftables;

/// <summary>A rule: what a packet must be like, then what is done with it. See <see cref="Match"/> and <see cref="Act"/>.</summary>
internal sealed record Rule(params IReadOnlyList<Statement> Statements)
{
    /// <summary>A text that is listed with the rule, by which its maker finds it again.</summary>
    public string? Comment { get; init; }
}

/// <summary>A part of a rule: writes its expressions.</summary>
internal sealed record Statement(Action<RuleWriter> Write);
