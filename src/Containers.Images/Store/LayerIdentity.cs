using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using Containers.Oci;

namespace Containers.Store;

/// <summary>
/// What a layer is known by: the digest of its uncompressed tar, and that of it on all below it (image-spec, config.md). An unpacked
/// layer that says everything about itself is the same wherever it lies, and found by the first; one that leaves out directories,
/// whose attributes come from below, by the second.
/// </summary>
internal readonly record struct LayerIdentity(Digest DiffId, Digest ChainId)
{
    // 130 bits: a name as short as can be, for many must fit into one page as the option of an overlay, and yet too long for
    // anybody to make two layers that have the same (which would let one image replace a layer of another).
    private const int NameLength = 26;
    private const int VariantLength = 9;
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz234567";
    private static readonly SearchValues<char> Letters = SearchValues.Create(Alphabet);
    private static readonly SearchValues<char> Hexadecimal = SearchValues.Create("0123456789abcdef");

    /// <summary>The identities of an image's layers, lowest first.</summary>
    public static ImmutableArray<LayerIdentity> Of(IEnumerable<Digest> diffIds)
    {
        var identities = ImmutableArray.CreateBuilder<LayerIdentity>();
        foreach (var diffId in diffIds)
        {
            var chainId = identities.Count == 0 ? diffId : Digest.Of(Encoding.ASCII.GetBytes($"{identities[^1].ChainId} {diffId}"));
            identities.Add(new LayerIdentity(diffId, chainId));
        }

        return identities.DrainToImmutable();
    }

    /// <summary>The name of the directory of the layer with this diffID or chainID.</summary>
    public static string NameOf(Digest digest)
    {
        Span<byte> hash = stackalloc byte[20];
        Convert.FromHexString(digest.Hex.AsSpan(0, hash.Length * 2), hash, out _, out _);
        Span<char> name = stackalloc char[NameLength];
        for (var i = 0; i < name.Length; i++)
        {
            var bit = i * 5;
            var pair = (hash[bit / 8] << 8) | hash[(bit / 8) + 1];
            name[i] = Alphabet[(pair >> (11 - (bit % 8))) & 31];
        }

        return name.ToString();
    }

    /// <summary>Of a layer, or of one whose files have an ordinary user's subordinate ids: then it ends in a dash and which those are.</summary>
    public static bool IsName(string name) => !BaseOf(name).ContainsAnyExcept(Letters)
        && (name.Length == NameLength || (name.Length == NameLength + VariantLength && name[NameLength] == '-' && name.AsSpan(NameLength + 1).IndexOfAnyExcept(Hexadecimal) < 0));

    /// <summary>The name without the ids that it is for: the same for all that the layer was unpacked with.</summary>
    public static ReadOnlySpan<char> BaseOf(string name) => name.AsSpan(0, Math.Min(name.Length, NameLength));
}
