namespace Containers.Names;

/// <summary>The kinds of records that are answered here or treated apart (RFC 1035, 3.2.2; RFC 3596; RFC 6891; RFC 5936).</summary>
internal enum RecordType : ushort
{
    A = 1,
    Pointer = 12,
    Aaaa = 28,
    Options = 41,
    IncrementalTransfer = 251,
    Transfer = 252,
    Any = 255,
}
