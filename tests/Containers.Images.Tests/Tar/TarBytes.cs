using System.Text;
using Containers.Tar;

namespace Containers.Tests.Tar;

/// <summary>Archives made byte by byte, for what no program would write.</summary>
internal static class TarBytes
{
    public static byte[] B(string text) => Encoding.Latin1.GetBytes(text);

    public static string S(ReadOnlyMemory<byte> bytes) => Encoding.Latin1.GetString(bytes.Span);

    /// <summary>A header with its checksum; <paramref name="change"/> may put anything into it before that is computed.</summary>
    public static byte[] Header(char type, string name, long size = 0, string link = "", Action<byte[]>? change = null)
    {
        var block = new byte[512];
        B(name).CopyTo(block, 0);
        B(type == '5' ? "0000755\0" : "0000644\0").CopyTo(block, 100);
        B("0000000\0").CopyTo(block, 108);
        B("0000000\0").CopyTo(block, 116);
        B(Convert.ToString(size, 8).PadLeft(11, '0') + "\0").CopyTo(block, 124);
        B("00000000000\0").CopyTo(block, 136);
        block[156] = (byte)type;
        B(link).CopyTo(block, 157);
        B("ustar\000").CopyTo(block, 257);
        change?.Invoke(block);
        B("        ").CopyTo(block, 148);
        B(Convert.ToString(block.Sum(value => value), 8).PadLeft(6, '0') + "\0 ").CopyTo(block, 148);
        return block;
    }

    public static byte[] Member(char type, string name, byte[] content, string link = "", Action<byte[]>? change = null) =>
        [.. Header(type, name, content.Length, link, change), .. Padded(content)];

    public static byte[] Pax(char type, params (string Key, string Value)[] records)
    {
        var content = new StringBuilder();
        foreach (var (key, value) in records)
        {
            var length = key.Length + value.Length + 3;
            while (length != key.Length + value.Length + 3 + length.ToString().Length)
            {
                length = key.Length + value.Length + 3 + length.ToString().Length;
            }

            content.Append(length).Append(' ').Append(key).Append('=').Append(value).Append('\n');
        }

        return Member(type, "pax", B(content.ToString()));
    }

    public static byte[] Padded(byte[] content) => [.. content, .. new byte[-content.Length & 511]];

    public static byte[] Archive(params byte[][] parts) => [.. parts.SelectMany(part => part), .. new byte[1024]];

    /// <summary>Every member, with what is stored of its content.</summary>
    public static async Task<List<(TarEntry Entry, byte[] Content)>> ReadAsync(Stream archive, TarLimits? limits = null)
    {
        var entries = new List<(TarEntry, byte[])>();
        using var reader = new TarReader(archive, limits);
        while (await reader.ReadEntryAsync(TestContext.Current.CancellationToken) is { } entry)
        {
            var content = new MemoryStream();
            while (await reader.ReadContentAsync(TestContext.Current.CancellationToken) is { IsEmpty: false } part)
            {
                content.Write(part.Span);
            }

            entries.Add((entry, content.ToArray()));
        }

        return entries;
    }

    public static Task<List<(TarEntry Entry, byte[] Content)>> ReadAsync(byte[] archive, TarLimits? limits = null) => ReadAsync(new Trickle(archive), limits);

    /// <summary>Gives a few bytes at a time, as a network does.</summary>
    private sealed class Trickle(byte[] bytes) : MemoryStream(bytes)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            return Read(buffer.Span[..Math.Min(buffer.Length, 700)]);
        }
    }
}
