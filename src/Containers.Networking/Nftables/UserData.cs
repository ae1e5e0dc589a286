using System.Text;

namespace Containers.Nftables;

/// <summary>What nft(8) keeps beside the kernel's own data: entries of {type, length, value}. Here: the comment.</summary>
internal static class UserData
{
    /// <summary>What nft reads at most (NFTNL_UDATA_COMMENT_MAXLEN), with the closing NUL.</summary>
    private const int LongestComment = 128;

    private const byte CommentType = 0;
    private const int EntryHeader = 2;

    public static byte[] Comment(string comment)
    {
        var size = Encoding.UTF8.GetByteCount(comment) + 1;
        if (size > LongestComment || comment.Contains('\0') || comment.Contains('"'))
        {
            throw new NetworkException("write the comment of a rule", $"\"{comment}\"", $"A comment has at most {LongestComment - 1} bytes, and no quotation mark.");
        }

        var data = new byte[EntryHeader + size];
        data[0] = CommentType;
        data[1] = (byte)size;
        Encoding.UTF8.GetBytes(comment, data.AsSpan(EntryHeader));
        return data;
    }

    /// <summary>The comment in what anybody may have written; null where there is none.</summary>
    public static string? FindComment(ReadOnlySpan<byte> data)
    {
        while (data.Length >= EntryHeader && data[1] <= data.Length - EntryHeader)
        {
            var value = data.Slice(EntryHeader, data[1]);
            if (data[0] == CommentType)
            {
                return Encoding.UTF8.GetString(value.IndexOf((byte)0) is >= 0 and var end ? value[..end] : value);
            }

            data = data[(EntryHeader + data[1])..];
        }

        return null;
    }
}
