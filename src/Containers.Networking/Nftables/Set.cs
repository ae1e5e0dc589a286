using Containers.Netlink;

namespace Containers.Nftables;

/// <summary>A set of keys; with data a map. A key of several types is the values one after the other (<see cref="Value.Join"/>).</summary>
internal sealed record Set(Table Table, string Name, params IReadOnlyList<DataType> Key)
{
    private const uint FlagInterval = 0x4;
    private const uint FlagMap = 0x8;
    private const uint FlagTimeout = 0x10;
    private const uint FlagDynamic = 0x20;
    private const uint FlagConcatenation = 0x80;
    private const uint VerdictType = 0xffffff00;

    /// <summary>nft keeps a type of several as six bits for each.</summary>
    private const int TypeBits = 6;

    /// <summary>What a map gives for a key: values of these types.</summary>
    public IReadOnlyList<DataType> Data { get; init; } = [];

    /// <summary>The map gives verdicts.</summary>
    public bool Verdicts { get; init; }

    /// <summary>Keys may be ranges and networks.</summary>
    public bool Intervals { get; init; }

    /// <summary>Elements may end by themselves.</summary>
    public bool Timeouts { get; init; }

    /// <summary>When elements end by themselves that do not say when; only in sets with timeouts.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Packets add elements: rules with <see cref="Act.Remember"/>.</summary>
    public bool Dynamic { get; init; }

    /// <summary>How many elements there may be; a set that packets add to has a limit always.</summary>
    public uint? Size { get; init; }

    /// <summary>Each element counts what it matched.</summary>
    public bool Counters { get; init; }

    public bool IsConcatenation => Key.Count > 1;

    public override string ToString() => $"{Name} of table {Table}";

    public void Write(MessageWriter writer, uint id)
    {
        var isMap = Verdicts || Data.Count > 0;
        writer.Put(SetAttribute.Table, Table.Name);
        writer.Put(SetAttribute.Name, Name);
        writer.PutNetwork(SetAttribute.Flags,
            (Intervals ? FlagInterval : 0) | (isMap ? FlagMap : 0) | (Timeouts ? FlagTimeout : 0) | (Dynamic ? FlagDynamic : 0) | (Intervals && IsConcatenation ? FlagConcatenation : 0));
        writer.PutNetwork(SetAttribute.KeyType, NumberOf(Key));
        writer.PutNetwork(SetAttribute.KeyLength, (uint)LengthOf(Key));
        if (isMap)
        {
            writer.PutNetwork(SetAttribute.DataType, Verdicts ? VerdictType : NumberOf(Data));
            writer.PutNetwork(SetAttribute.DataLength, Verdicts ? 0u : (uint)LengthOf(Data));
        }

        writer.PutNetwork(SetAttribute.Id, id);
        if (Size is not null || (Intervals && IsConcatenation))
        {
            WriteDescription(writer);
        }

        if (Timeout is { } timeout)
        {
            writer.PutNetwork(SetAttribute.Timeout, (ulong)timeout.TotalMilliseconds);
        }

        writer.Put(SetAttribute.UserData, ByteOrders());
        if (Counters)
        {
            var expression = writer.BeginNested(SetAttribute.Expression);
            WriteCounter(writer);
            writer.EndNested(expression);
        }
    }

    /// <summary>An expression that counts, without the list around it.</summary>
    public static void WriteCounter(MessageWriter writer)
    {
        writer.Put(ExpressionAttribute.Name, "counter");
        var data = writer.BeginNested(ExpressionAttribute.Data);
        writer.PutNetwork(CounterAttribute.Bytes, 0ul);
        writer.PutNetwork(CounterAttribute.Packets, 0ul);
        writer.EndNested(data);
    }

    private static int LengthOf(IReadOnlyList<DataType> types) => types.Count == 1 ? types[0].Length : types.Sum(static type => RuleWriter.Padded(type.Length));

    private static uint NumberOf(IReadOnlyList<DataType> types) => types.Aggregate(0u, static (number, type) => (number << TypeBits) | type.Number);

    private void WriteDescription(MessageWriter writer)
    {
        var description = writer.BeginNested(SetAttribute.Description);
        if (Size is { } size)
        {
            writer.PutNetwork(SetDescriptionAttribute.Size, size);
        }

        if (Intervals && IsConcatenation)
        {
            WriteFields(writer);
        }

        writer.EndNested(description);
    }

    /// <summary>The kernel has to know where one field ends to compare ranges of each.</summary>
    private void WriteFields(MessageWriter writer)
    {
        var fields = writer.BeginNested(SetDescriptionAttribute.Concatenation);
        foreach (var type in Key)
        {
            var field = writer.BeginNested(ListAttribute.Element);
            writer.PutNetwork(SetFieldAttribute.Length, (uint)type.Length);
            writer.EndNested(field);
        }

        writer.EndNested(fields);
    }

    /// <summary>What nft(8) needs to read keys and data: the order of their bytes (NFTNL_UDATA_SET_KEYBYTEORDER, ..._DATABYTEORDER).</summary>
    private byte[] ByteOrders() => [.. ByteOrder(0, Key[0]), .. Data.Count > 0 ? ByteOrder(1, Data[0]) : []];

    private static byte[] ByteOrder(byte entry, DataType type) => [entry, sizeof(uint), .. BitConverter.GetBytes(type.HostOrder ? 1u : 2u)];
}
