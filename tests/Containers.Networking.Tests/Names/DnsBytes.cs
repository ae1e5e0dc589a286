using System.Buffers.Binary;
using System.Net;
using System.Text;
using Containers.Names;

namespace Containers.Tests.Names;

/// <summary>Messages as a client makes and reads them, apart from the code under test.</summary>
internal static class DnsBytes
{
    public static byte[] Query(string name, int type, ushort id = 0x1234, int? payload = null, byte version = 0, int @class = 1)
    {
        List<byte> message = [(byte)(id >> 8), (byte)id, 1, 0, 0, 1, 0, 0, 0, 0, 0, (byte)(payload is null ? 0 : 1), .. Name(name), .. Short(type), .. Short(@class)];
        if (payload is { } size)
        {
            message.AddRange([0, .. Short(41), .. Short(size), 0, version, 0, 0, 0, 0]);
        }

        return [.. message];
    }

    public static byte[] Name(string name) =>
        [.. name.Split('.', StringSplitOptions.RemoveEmptyEntries).SelectMany(static label => (byte[])[(byte)label.Length, .. Encoding.Latin1.GetBytes(label)]), 0];

    public static byte[] Short(int value) => [(byte)(value >> 8), (byte)value];

    /// <summary>An answer to a query with one record that holds an address.</summary>
    public static byte[] Answer(ReadOnlySpan<byte> query, IPAddress? address, int code = 0)
    {
        var end = 12 + query[12..].IndexOf((byte)0) + 5;
        byte[] answer = [.. query[..end]];
        answer[2] = 0x81;
        answer[3] = (byte)(0x80 | code);
        BinaryPrimitives.WriteUInt32BigEndian(answer.AsSpan(8), 0);
        if (address is null)
        {
            return answer;
        }

        answer[7] = 1;
        var data = address.GetAddressBytes();
        return [.. answer, 0xC0, 12, .. Short(data.Length == 4 ? 1 : 28), 0, 1, 0, 0, 0, 60, .. Short(data.Length), .. data];
    }

    public static DnsAnswer Read(ReadOnlySpan<byte> message)
    {
        var offset = 12;
        Assert.Equal(1, BinaryPrimitives.ReadUInt16BigEndian(message[4..]));
        var question = ReadName(message, ref offset);
        offset += 4;
        List<string> records = [];
        var answers = BinaryPrimitives.ReadUInt16BigEndian(message[6..]);
        var options = 0;
        for (var i = 0; i < answers + BinaryPrimitives.ReadUInt16BigEndian(message[8..]) + BinaryPrimitives.ReadUInt16BigEndian(message[10..]); i++)
        {
            var owner = ReadName(message, ref offset);
            var type = BinaryPrimitives.ReadUInt16BigEndian(message[offset..]);
            var length = BinaryPrimitives.ReadUInt16BigEndian(message[(offset + 8)..]);
            var data = offset + 10;
            if (type == 41)
            {
                options++;
            }
            else
            {
                Assert.Equal(question, owner);
                records.Add(type == 12 ? ReadName(message, ref data) : new IPAddress(message.Slice(data, length)).ToString());
            }

            offset += 10 + length;
        }

        Assert.Equal(message.Length, offset);
        return new DnsAnswer(BinaryPrimitives.ReadUInt16BigEndian(message), BinaryPrimitives.ReadUInt16BigEndian(message[2..]), question, records, options);
    }

    private static string ReadName(ReadOnlySpan<byte> message, ref int offset)
    {
        if (message[offset] >= 0xC0)
        {
            int target = BinaryPrimitives.ReadUInt16BigEndian(message[offset..]) & 0x3FFF;
            offset += 2;
            return ReadName(message, ref target);
        }

        List<string> labels = [];
        while (message[offset] != 0)
        {
            labels.Add(Encoding.Latin1.GetString(message.Slice(offset + 1, message[offset])));
            offset += message[offset] + 1;
        }

        offset++;
        return string.Join('.', labels);
    }
}

internal sealed record DnsAnswer(ushort Id, int Flags, string Question, List<string> Records, int Options)
{
    public ResponseCode Code => (ResponseCode)(Flags & 15);

    public bool IsTruncated => (Flags & 0x0200) != 0;

    public bool HasFlags(int flags) => (Flags & flags) == flags;
}
