namespace Containers.Names;

/// <summary>How a query fared (RFC 1035, 4.1.1; RFC 6891).</summary>
internal enum ResponseCode : byte
{
    Success = 0,
    FormatError = 1,
    ServerFailure = 2,
    NoSuchName = 3,
    NotImplemented = 4,
    Refused = 5,

    /// <summary>BADVERS, which only fits where the options record has room for its upper part.</summary>
    BadVersion = 16,
}
