using System.Net;
using Containers.Names;
using FsCheck.Xunit;

namespace Containers.Tests.Names;

[Trait("Category", "Rootless")]
public class ReverseNameTests
{
    [Property(MaxTest = 500)]
    public void Address_IsReadAsItIsWritten(byte[] bytes, byte fill)
    {
        Span<byte> six = stackalloc byte[16];
        six.Fill(fill);
        bytes.AsSpan(0, Math.Min(16, bytes.Length)).CopyTo(six);
        Assert.Equal(new IPAddress(six), Parse(string.Join('.', six.ToArray().Reverse().Select(static value => $"{value & 15:x}.{value >> 4:x}")) + ".ip6.arpa"));
        Assert.Equal(new IPAddress(six[..4]), Parse(string.Join('.', six[..4].ToArray().Reverse()) + ".in-addr.arpa"));
    }

    [Theory]
    [InlineData("in-addr.arpa")]
    [InlineData(".in-addr.arpa")]
    [InlineData("1.2.3.in-addr.arpa")]
    [InlineData("256.1.2.3.in-addr.arpa")]
    [InlineData("-1.1.2.3.in-addr.arpa")]
    [InlineData("1.2.3.4.5.in-addr.arpa")]
    [InlineData("0.1.2.3.4.in-addr.arpa.example")]
    [InlineData("x.ip6.arpa")]
    public void Name_ThatIsNoWholeAddressIsNone(string name) => Assert.Null(Parse(name));

    [Property(MaxTest = 1000)]
    public void Text_OfAnyKindIsReadOrNot(string? text)
    {
        Parse(text + ".ip6.arpa");
        Parse(text + ".in-addr.arpa");
    }

    private static IPAddress? Parse(string name)
    {
        Span<byte> address = stackalloc byte[ReverseName.MaximumAddress];
        var length = ReverseName.Parse(name, address);
        return length == 0 ? null : new IPAddress(address[..length]);
    }
}
