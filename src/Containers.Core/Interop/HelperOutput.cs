namespace Containers.Interop;

/// <summary>How a program of the host ended (null: by a signal, or nobody knows) and what it wrote.</summary>
internal readonly record struct HelperOutput(int? ExitCode, byte[] Output);
