using System.Collections.Immutable;

namespace Containers.Cgroups.Devices;

/// <summary>All the rules of one container; equal sets share what the host made for them.</summary>
internal sealed class DeviceRuleSet : IEquatable<DeviceRuleSet>
{
    /// <summary>
    /// What every container may use: null, zero, full, random, urandom, tty, console, the pseudo-terminals. Nodes of any device may be
    /// made, as with Docker, so that packages and image builds which make some work; what is not on the list cannot be opened.
    /// </summary>
    private static readonly ImmutableArray<DeviceRule> Default =
    [
        new(DeviceKind.Character, null, null, DeviceAccess.MakeNode),
        new(DeviceKind.Block, null, null, DeviceAccess.MakeNode),
        new(DeviceKind.Character, 1, 3, DeviceAccess.All),
        new(DeviceKind.Character, 1, 5, DeviceAccess.All),
        new(DeviceKind.Character, 1, 7, DeviceAccess.All),
        new(DeviceKind.Character, 1, 8, DeviceAccess.All),
        new(DeviceKind.Character, 1, 9, DeviceAccess.All),
        new(DeviceKind.Character, 5, 0, DeviceAccess.All),
        new(DeviceKind.Character, 5, 1, DeviceAccess.All),
        new(DeviceKind.Character, 5, 2, DeviceAccess.All),
        new(DeviceKind.Character, 136, null, DeviceAccess.All),
    ];

    public DeviceRuleSet(IReadOnlyList<DeviceRule> added) => Rules = added.Count == 0 ? Default : [.. Default, .. added];

    public ImmutableArray<DeviceRule> Rules { get; }

    public bool Equals(DeviceRuleSet? other) => other is not null && Rules.AsSpan().SequenceEqual(other.Rules.AsSpan());

    public override bool Equals(object? obj) => Equals(obj as DeviceRuleSet);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (var rule in Rules)
        {
            hash.Add(rule);
        }

        return hash.ToHashCode();
    }
}
