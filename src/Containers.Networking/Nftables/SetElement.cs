using System.Net;
using Containers.Netlink;

namespace Containers.Nftables;

/// <summary>An element of a set or map.</summary>
/// <param name="Key">The key; of a range its first.</param>
internal sealed record SetElement(byte[] Key)
{
    private const uint FlagIntervalEnd = 1;

    /// <summary>Of a range: its last key.</summary>
    public byte[]? LastKey { get; init; }

    public byte[]? Data { get; init; }

    public Verdict? Verdict { get; init; }

    /// <summary>When it ends by itself; only in sets with timeouts.</summary>
    public TimeSpan? Timeout { get; init; }

    public string? Comment { get; init; }

    /// <summary>As listed, of sets whose elements count: bytes and packets.</summary>
    public (ulong Bytes, ulong Packets)? Counter { get; init; }

    /// <summary>As listed: this is no key of the set, but the first one behind a range.</summary>
    public bool EndsRange { get; init; }

    /// <summary>All addresses of a network.</summary>
    public static SetElement Of(IPNetwork network) => new(network.BaseAddress.GetAddressBytes()) { LastKey = Addresses.Subnets.Last(network).GetAddressBytes() };

    public void Write(MessageWriter writer, Set set)
    {
        var element = writer.BeginNested(ListAttribute.Element);
        PutValue(writer, ElementAttribute.Key, Key);
        if (set.Intervals && set.IsConcatenation)
        {
            PutValue(writer, ElementAttribute.KeyEnd, LastKey ?? Key);
        }

        if (Data is not null)
        {
            PutValue(writer, ElementAttribute.Data, Data);
        }

        if (Verdict is not null)
        {
            var data = writer.BeginNested(ElementAttribute.Data);
            Verdict.Write(writer);
            writer.EndNested(data);
        }

        if (Timeout is { } timeout)
        {
            writer.PutNetwork(ElementAttribute.Timeout, (ulong)timeout.TotalMilliseconds);
        }

        if (Comment is not null)
        {
            writer.Put(ElementAttribute.UserData, UserData.Comment(Comment));
        }

        writer.EndNested(element);

        // Ranges of one field are two elements: where it begins, and the first key behind it; none where it reaches to the end of all.
        if (set is { Intervals: true, IsConcatenation: false } && Next(LastKey ?? Key) is { } behind)
        {
            var end = writer.BeginNested(ListAttribute.Element);
            writer.PutNetwork(ElementAttribute.Flags, FlagIntervalEnd);
            PutValue(writer, ElementAttribute.Key, behind);
            writer.EndNested(end);
        }
    }

    public static SetElement Parse(AttributeReader attributes)
    {
        var result = new SetElement([]);
        foreach (var attribute in attributes)
        {
            result = (ElementAttribute)attribute.Type switch
            {
                ElementAttribute.Key => result with { Key = ValueOf(attribute) ?? [] },
                ElementAttribute.KeyEnd => result with { LastKey = ValueOf(attribute) },
                ElementAttribute.Data => result with { Data = ValueOf(attribute) },
                ElementAttribute.Flags => result with { EndsRange = (attribute.NetworkUInt32 & FlagIntervalEnd) != 0 },
                ElementAttribute.Timeout => result with { Timeout = TimeSpan.FromMilliseconds(Math.Min(attribute.NetworkUInt64, int.MaxValue)) },
                ElementAttribute.UserData => result with { Comment = UserData.FindComment(attribute.Value) },
                ElementAttribute.Expression => result with { Counter = RuleInfo.CounterOf(attribute.Nested) },
                _ => result,
            };
        }

        return result;
    }

    private static byte[]? ValueOf(NetlinkAttribute data)
    {
        foreach (var attribute in data.Nested)
        {
            if ((DataAttribute)attribute.Type == DataAttribute.Value)
            {
                return attribute.Value.ToArray();
            }
        }

        return null;
    }

    private static void PutValue(MessageWriter writer, ElementAttribute type, byte[] value)
    {
        var nested = writer.BeginNested(type);
        writer.Put(DataAttribute.Value, value);
        writer.EndNested(nested);
    }

    private static byte[]? Next(byte[] key)
    {
        var next = (byte[])key.Clone();
        for (var i = next.Length - 1; i >= 0; i--)
        {
            if (++next[i] != 0)
            {
                return next;
            }
        }

        return null;
    }
}
