namespace Containers.Specification;

/// <summary>What the job reads as its standard input: bytes already there, or a stream copied as the job reads.</summary>
internal sealed record InputSource(ReadOnlyMemory<byte> Bytes, Stream? Stream);
