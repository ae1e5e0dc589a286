using System.Text;
using Containers.Processes;

namespace Containers;

/// <summary>What a job wrote to one of its standard streams, up to the output limit.</summary>
public sealed class CapturedOutput
{
    private readonly Lock _gate = new();
    private OutputSegments? _segments;
    private ReadOnlyMemory<byte> _bytes;
    private string? _text;

    internal CapturedOutput(OutputSegments segments, long totalBytes)
    {
        _segments = segments;
        Length = segments.Length;
        TotalBytes = totalBytes;
    }

    /// <summary>Nothing was written.</summary>
    public static CapturedOutput Empty { get; } = new(default, 0);

    /// <summary>The bytes as the job wrote them: the first ones, as many as the output limit keeps.</summary>
    public ReadOnlyMemory<byte> Bytes
    {
        get
        {
            lock (_gate)
            {
                // Joined on first use: a result nobody looks at costs no second copy.
                if (_segments is { } segments)
                {
                    _bytes = segments.Join();
                    _segments = null;
                }

                return _bytes;
            }
        }
    }

    /// <summary>
    /// The bytes decoded as UTF-8. What is not UTF-8 becomes U+FFFD, and so does a character that the output limit cut in two.
    /// </summary>
    public string Text
    {
        get
        {
            // Two threads may both decode; they get equal strings.
            return _text ??= Encoding.UTF8.GetString(Bytes.Span);
        }
    }

    /// <summary>How many bytes are kept.</summary>
    public long Length { get; }

    /// <summary>How many bytes the host received from the job, kept or not.</summary>
    public long TotalBytes { get; }

    /// <summary>Whether bytes were dropped because the output limit was reached.</summary>
    public bool IsTruncated => TotalBytes > Length;

    /// <summary>The same as <see cref="Text"/>.</summary>
    public override string ToString() => Text;
}
