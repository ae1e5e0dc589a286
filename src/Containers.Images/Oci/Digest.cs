using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Containers.Oci;

/// <summary>
/// The digest of content, <c>algorithm:hex</c> (image-spec, descriptor.md). Only the two registered algorithms, and lowercase hex of
/// the right length: a digest becomes a file name, so nothing else may get through (CVE-2024-3727).
/// </summary>
internal readonly record struct Digest
{
    public const string Sha256 = "sha256";
    public const string Sha512 = "sha512";

    private static readonly SearchValues<char> LowercaseHex = SearchValues.Create("0123456789abcdef");

    private readonly string? _text;

    private Digest(string text) => _text = text;

    public string Algorithm => Text[..Sha256.Length];

    public string Hex => Text[(Sha256.Length + 1)..];

    /// <summary>The first twelve digits, for people.</summary>
    public string Short => Hex[..12];

    private string Text => _text ?? throw new InvalidOperationException("This digest was never set.");

    public static Digest FromSha256(ReadOnlySpan<byte> hash) => new($"{Sha256}:{Convert.ToHexStringLower(hash)}");

    public static Digest FromSha512(ReadOnlySpan<byte> hash) => new($"{Sha512}:{Convert.ToHexStringLower(hash)}");

    /// <summary>The SHA-256 digest of content at hand.</summary>
    public static Digest Of(ReadOnlySpan<byte> content) => FromSha256(System.Security.Cryptography.SHA256.HashData(content));

    /// <summary>The digest of content at hand in one of the two algorithms.</summary>
    public static Digest Of(string algorithm, ReadOnlySpan<byte> content) =>
        algorithm == Sha512 ? FromSha512(System.Security.Cryptography.SHA512.HashData(content)) : Of(content);

    public static bool TryParse([NotNullWhen(true)] string? text, out Digest digest)
    {
        digest = default;
        var length = text switch
        {
            ['s', 'h', 'a', '2', '5', '6', ':', ..] => 64,
            ['s', 'h', 'a', '5', '1', '2', ':', ..] => 128,
            _ => -1,
        };
        if (length < 0 || text!.Length != Sha256.Length + 1 + length || text.AsSpan(Sha256.Length + 1).ContainsAnyExcept(LowercaseHex))
        {
            return false;
        }

        digest = new Digest(text);
        return true;
    }

    /// <exception cref="ImageException">It is no digest.</exception>
    public static Digest Parse(string? text) => TryParse(text, out var digest)
        ? digest
        : throw new ImageException("read the digest", text, "It must be sha256: with 64, or sha512: with 128 lowercase hexadecimal digits.");

    public override string ToString() => Text;
}
