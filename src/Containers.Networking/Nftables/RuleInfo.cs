using Containers.Netlink;

namespace Containers.Nftables;

/// <summary>A rule as listed.</summary>
/// <param name="Chain">Its chain's name.</param>
/// <param name="Handle">Its number in the table, by which it is deleted.</param>
internal sealed record RuleInfo(string Chain, ulong Handle)
{
    public string? Comment { get; init; }

    /// <summary>What its own counter counted.</summary>
    public (ulong Bytes, ulong Packets)? Counter { get; init; }

    /// <summary>Whatever comes to it is turned away.</summary>
    public bool RefusesAll { get; init; }

    public static RuleInfo Parse(NetlinkMessage message)
    {
        var rule = new RuleInfo(string.Empty, 0);
        foreach (var attribute in message.AttributesAfter<NetfilterHeader>())
        {
            switch ((RuleAttribute)attribute.Type)
            {
                case RuleAttribute.Chain:
                    rule = rule with { Chain = attribute.Text };
                    break;
                case RuleAttribute.Handle:
                    rule = rule with { Handle = attribute.NetworkUInt64 };
                    break;
                case RuleAttribute.UserData:
                    rule = rule with { Comment = UserData.FindComment(attribute.Value) };
                    break;
                case RuleAttribute.Expressions:
                    rule = rule with { RefusesAll = Refusal.IsOfAll(attribute.Nested) };
                    foreach (var expression in attribute.Nested)
                    {
                        rule = rule with { Counter = CounterOf(expression.Nested) ?? rule.Counter };
                    }

                    break;
            }
        }

        return rule;
    }

    /// <summary>What an expression counted, where it is a counter.</summary>
    public static (ulong Bytes, ulong Packets)? CounterOf(AttributeReader expression)
    {
        var isCounter = false;
        foreach (var attribute in expression)
        {
            switch ((ExpressionAttribute)attribute.Type)
            {
                case ExpressionAttribute.Name:
                    isCounter = attribute.Text == "counter";
                    break;
                case ExpressionAttribute.Data when isCounter:
                    return Counts(attribute.Nested);
            }
        }

        return null;
    }

    public static (ulong Bytes, ulong Packets) Counts(AttributeReader attributes)
    {
        var counts = (Bytes: 0ul, Packets: 0ul);
        foreach (var attribute in attributes)
        {
            switch ((CounterAttribute)attribute.Type)
            {
                case CounterAttribute.Bytes:
                    counts.Bytes = attribute.NetworkUInt64;
                    break;
                case CounterAttribute.Packets:
                    counts.Packets = attribute.NetworkUInt64;
                    break;
            }
        }

        return counts;
    }
}

/// <summary>A table as listed.</summary>
/// <param name="Table">Its family and name.</param>
/// <param name="Handle">Its number.</param>
/// <param name="OwnerPortId">The port of the socket it belongs to; null: everybody's.</param>
internal sealed record TableInfo(Table Table, ulong Handle, uint? OwnerPortId);

/// <summary>A named counter as listed.</summary>
internal sealed record CounterInfo(string Name, ulong Bytes, ulong Packets);

/// <summary>A named quota as listed.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Bytes">How many bytes it gives.</param>
/// <param name="Consumed">How many came, also of those that were too many.</param>
internal sealed record QuotaInfo(string Name, ulong Bytes, ulong Consumed);
