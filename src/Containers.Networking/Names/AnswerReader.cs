using System.Buffers.Binary;
using System.Net;

namespace Containers.Names;

/// <summary>Reads the addresses in an answer of any server.</summary>
internal static class AnswerReader
{
    /// <summary>Reads them.</summary>
    /// <param name="answer">The answer, with at most one question.</param>
    /// <param name="addresses">Where they are added.</param>
    /// <param name="lifetime">The shortest of all records of the answer.</param>
    /// <returns>False: it is malformed.</returns>
    public static bool TryRead(ReadOnlySpan<byte> answer, List<IPAddress> addresses, out TimeSpan lifetime)
    {
        const int FixedPart = 10;
        const int EndOfQuestion = 4;
        lifetime = TimeSpan.FromSeconds(int.MaxValue);
        if (answer.Length < DnsQuery.HeaderSize)
        {
            return false;
        }

        var offset = DnsQuery.HeaderSize;
        for (int i = BinaryPrimitives.ReadUInt16BigEndian(answer[4..]); i > 0; i--)
        {
            offset = DomainName.Skip(answer, offset);
            if (offset < 0)
            {
                return false;
            }

            offset += EndOfQuestion;
        }

        for (int i = BinaryPrimitives.ReadUInt16BigEndian(answer[6..]); i > 0; i--)
        {
            offset = DomainName.Skip(answer, offset);
            if (offset < 0 || offset + FixedPart > answer.Length)
            {
                return false;
            }

            var type = (RecordType)BinaryPrimitives.ReadUInt16BigEndian(answer[offset..]);
            var seconds = BinaryPrimitives.ReadUInt32BigEndian(answer[(offset + 4)..]);
            var length = BinaryPrimitives.ReadUInt16BigEndian(answer[(offset + 8)..]);
            offset += FixedPart;
            if (offset + length > answer.Length)
            {
                return false;
            }

            lifetime = seconds < lifetime.TotalSeconds ? TimeSpan.FromSeconds(seconds) : lifetime;
            if ((type, length) is (RecordType.A, AddressSet.FourSize) or (RecordType.Aaaa, AddressSet.SixSize))
            {
                addresses.Add(new IPAddress(answer.Slice(offset, length)));
            }

            offset += length;
        }

        return true;
    }
}
