using Containers.Netlink;

namespace Containers.Nftables;

/// <summary>Reads of rules, also those of iptables, whether whatever comes to them is turned away.</summary>
internal static class Refusal
{
    /// <summary>A rule has no condition, and drops or rejects.</summary>
    /// <param name="rule">Its expressions.</param>
    public static bool IsOfAll(AttributeReader rule)
    {
        foreach (var element in rule)
        {
            switch (Effect(element.Nested))
            {
                case true:
                    return true;
                case null:
                    return false;
            }
        }

        return false;
    }

    /// <summary>True: it turns away. False: it has no say. Null: it may be a condition, or another verdict.</summary>
    private static bool? Effect(AttributeReader expression)
    {
        var name = string.Empty;
        foreach (var attribute in expression)
        {
            if ((ExpressionAttribute)attribute.Type == ExpressionAttribute.Name)
            {
                name = attribute.Text;
            }
            else if ((ExpressionAttribute)attribute.Type == ExpressionAttribute.Data)
            {
                return name switch
                {
                    "reject" => true,
                    "counter" or "log" => false,
                    "immediate" when Find(attribute.Nested, (ushort)Operand.Second) is { IsEmpty: false } data && IsDrop(data) => true,
                    "target" when Find(attribute.Nested, (ushort)Operand.First).StartsWith("REJECT\0"u8) => true,
                    _ => null,
                };
            }
        }

        return null;
    }

    private static bool IsDrop(ReadOnlySpan<byte> data) =>
        Find(new AttributeReader(data), (ushort)DataAttribute.Verdict) is { IsEmpty: false } verdict
        && Find(new AttributeReader(verdict), (ushort)VerdictAttribute.Code) is [0, 0, 0, 0];

    private static ReadOnlySpan<byte> Find(AttributeReader attributes, ushort type)
    {
        foreach (var attribute in attributes)
        {
            if (attribute.Type == type)
            {
                return attribute.Value;
            }
        }

        return default;
    }
}
