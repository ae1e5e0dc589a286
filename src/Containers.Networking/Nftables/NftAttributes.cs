namespace Containers.Nftables;

// Numbers of messages and attributes of linux/netfilter/nf_tables.h and nfnetlink.h; only those that are used.

internal static class NftMessageType
{
    private const ushort Subsystem = 10 << 8;

    public const ushort BatchBegin = 0x10;
    public const ushort BatchEnd = 0x11;
    public const ushort NewTable = Subsystem | 0;
    public const ushort GetTable = Subsystem | 1;
    public const ushort DeleteTable = Subsystem | 2;
    public const ushort NewChain = Subsystem | 3;
    public const ushort GetChain = Subsystem | 4;
    public const ushort DeleteChain = Subsystem | 5;
    public const ushort NewRule = Subsystem | 6;
    public const ushort GetRule = Subsystem | 7;
    public const ushort DeleteRule = Subsystem | 8;
    public const ushort NewSet = Subsystem | 9;
    public const ushort DeleteSet = Subsystem | 11;
    public const ushort NewElement = Subsystem | 12;
    public const ushort GetElement = Subsystem | 13;
    public const ushort DeleteElement = Subsystem | 14;
    public const ushort NewGeneration = Subsystem | 15;
    public const ushort GetGeneration = Subsystem | 16;
    public const ushort NewObject = Subsystem | 18;
    public const ushort GetObject = Subsystem | 19;
    public const ushort DeleteObject = Subsystem | 20;
}

/// <summary>struct nfgenmsg</summary>
[System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Sequential)]
internal struct NetfilterHeader
{
    public NftFamily Family;
    public byte Version;
    public byte ResourceHigh;
    public byte ResourceLow;
}

internal enum BatchAttribute : ushort
{
    Generation = 1,
}

internal enum ListAttribute : ushort
{
    Element = 1,
}

internal enum TableAttribute : ushort
{
    Name = 1,
    Flags = 2,
    Handle = 4,
    Owner = 7,
}

internal enum ChainAttribute : ushort
{
    Table = 1,
    Handle = 2,
    Name = 3,
    Hook = 4,
    Policy = 5,
    Type = 7,
}

internal enum HookAttribute : ushort
{
    Number = 1,
    Priority = 2,
    Device = 3,
}

internal enum RuleAttribute : ushort
{
    Table = 1,
    Chain = 2,
    Handle = 3,
    Expressions = 4,
    Position = 6,
    UserData = 7,
}

internal enum SetAttribute : ushort
{
    Table = 1,
    Name = 2,
    Flags = 3,
    KeyType = 4,
    KeyLength = 5,
    DataType = 6,
    DataLength = 7,
    Description = 9,
    Id = 10,
    Timeout = 11,
    UserData = 13,
    Expression = 17,
}

internal enum SetDescriptionAttribute : ushort
{
    Size = 1,
    Concatenation = 2,
}

internal enum SetFieldAttribute : ushort
{
    Length = 1,
}

internal enum ElementListAttribute : ushort
{
    Table = 1,
    Set = 2,
    Elements = 3,
}

internal enum ElementAttribute : ushort
{
    Key = 1,
    Data = 2,
    Flags = 3,
    Timeout = 4,
    UserData = 6,
    Expression = 7,
    KeyEnd = 10,
}

internal enum DataAttribute : ushort
{
    Value = 1,
    Verdict = 2,
}

internal enum VerdictAttribute : ushort
{
    Code = 1,
    Chain = 2,
}

internal enum ExpressionAttribute : ushort
{
    Name = 1,
    Data = 2,
}

internal enum ObjectAttribute : ushort
{
    Table = 1,
    Name = 2,
    Type = 3,
    Data = 4,
}

internal enum CounterAttribute : ushort
{
    Bytes = 1,
    Packets = 2,
}

internal enum QuotaAttribute : ushort
{
    Bytes = 1,
    Flags = 2,
    Consumed = 4,
}

/// <summary>The attributes of expressions: each kind of expression numbers its own.</summary>
internal enum Operand : ushort
{
    First = 1,
    Second = 2,
    Third = 3,
    Fourth = 4,
    Fifth = 5,
    Sixth = 6,
    Seventh = 7,
}
