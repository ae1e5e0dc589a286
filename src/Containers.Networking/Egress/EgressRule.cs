using System.Net;

namespace Containers.Egress;

/// <summary>Something that an <see cref="EgressPolicy"/> allows.</summary>
internal abstract record EgressRule
{
    /// <summary>Null: each protocol above IP, and all ports.</summary>
    public PortProtocol? Protocol { get; init; }

    public ushort FirstPort { get; init; }

    public ushort LastPort { get; init; }
}

/// <summary>Addresses.</summary>
internal sealed record DestinationRule(IPNetwork Network) : EgressRule;

/// <summary>The host's own addresses, whichever they are.</summary>
internal sealed record HostRule : EgressRule;

/// <summary>What a name is resolved to, for as long as the answer holds; <see cref="Name"/> in lower case, <c>*.</c> before it: all below it.</summary>
internal sealed record NameRule(string Name) : EgressRule
{
    private const string Wildcard = "*.";

    /// <param name="name">In lower case, without a dot at its end.</param>
    public bool Matches(ReadOnlySpan<char> name) => Name.StartsWith(Wildcard, StringComparison.Ordinal)
        ? name.Length > Name.Length - 1 && name.EndsWith(Name.AsSpan(1), StringComparison.Ordinal)
        : name.SequenceEqual(Name);
}
