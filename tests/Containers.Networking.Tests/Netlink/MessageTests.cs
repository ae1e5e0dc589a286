using System.Net;
using Containers.Netlink;
using Containers.Nftables;
using Containers.Rtnetlink;
using FsCheck.Xunit;

namespace Containers.Tests.Netlink;

[Trait("Category", "Rootless")]
public class MessageTests
{
    private enum Attribute : ushort
    {
        One = 1,
        Two = 2,
    }

    [Fact]
    public void Attributes_AreReadAsTheyWereWritten()
    {
        using var writer = new MessageWriter();
        writer.Begin(20, NetlinkFlags.Acknowledge, new LinkHeader { Index = 7 });
        writer.Put(Attribute.One, "eth0");
        var nested = writer.BeginNested(Attribute.Two);
        writer.PutNetwork(Attribute.One, 0x0102030405060708ul);
        writer.Put(Attribute.Two, IPAddress.Parse("fd00::1"));
        writer.EndNested(nested);
        writer.Begin(21, NetlinkFlags.None);
        writer.Stamp(100, 5);

        var messages = new MessageReader(writer.Written);
        Assert.True(messages.TryRead(out var message));
        Assert.Equal((20, 100u, 5u), (message.Type, message.Header.Sequence, message.Header.PortId));
        Assert.Equal(7, message.Read<LinkHeader>().Index);
        var seen = 0;
        foreach (var attribute in message.AttributesAfter<LinkHeader>())
        {
            seen++;
            if (attribute.Type == 1)
            {
                Assert.Equal("eth0", attribute.Text);
                continue;
            }

            foreach (var inner in attribute.Nested)
            {
                seen++;
                if (inner.Type == 1)
                {
                    Assert.Equal(0x0102030405060708ul, inner.NetworkUInt64);
                }
                else
                {
                    Assert.Equal(IPAddress.Parse("fd00::1"), inner.Address);
                }
            }
        }

        Assert.Equal(4, seen);
        Assert.True(messages.TryRead(out message));
        Assert.Equal((21, 101u), (message.Type, message.Header.Sequence));
        Assert.False(messages.TryRead(out _));
    }

    [Fact]
    public void Attribute_LongerThanItsLengthCanSayIsRefusedAndNotCut()
    {
        using var writer = new MessageWriter();
        writer.Begin(20, NetlinkFlags.None);
        writer.Put(Attribute.One, new byte[MessageWriter.MaximumValue]);
        Assert.Throws<NetworkException>(() => writer.Put(Attribute.One, new byte[MessageWriter.MaximumValue + 1]));
        Assert.Throws<NetworkException>(() => writer.Put(Attribute.One, new byte[ushort.MaxValue + 16]));
        Assert.Throws<NetworkException>(() => writer.Put(Attribute.One, new string('x', ushort.MaxValue)));
        var nested = writer.BeginNested(Attribute.Two);
        writer.Put(Attribute.One, new byte[40_000]);
        writer.Put(Attribute.One, new byte[40_000]);
        Assert.Throws<NetworkException>(() => writer.EndNested(nested));
    }

    [Fact]
    public void Message_WithoutEndIsRefused()
    {
        using var writer = new MessageWriter();
        writer.Begin(20, NetlinkFlags.None);
        var exception = Assert.Throws<NetworkException>(() =>
        {
            for (var i = 0; i < 2000; i++)
            {
                writer.Put(Attribute.One, new byte[60_000]);
            }
        });
        Assert.Contains("64 MiB", exception.Message, StringComparison.Ordinal);
    }

    /// <summary>Whatever comes: an object, or the one exception that says so. Never a read past the end.</summary>
    [Property(MaxTest = 2000)]
    public void Bytes_OfAnyKindAreReadOrRefused(byte[] bytes) => ReadAll(bytes);

    /// <summary>The same with what almost is a right answer: a byte of it, or its length, is another.</summary>
    [Property(MaxTest = 3000)]
    public void Answers_WithAnyByteChangedAreReadOrRefused(ushort position, byte value, ushort length)
    {
        using var writer = new MessageWriter();
        var link = new VethLink("veth0", new VethLink("eth0") { Mtu = 1400 }) { Master = 3, HardwareAddress = new([2, 0, 0, 0, 0, 1]) };
        writer.Begin(RouteMessageType.NewLink, NetlinkFlags.Multi, new LinkHeader { Index = 7 });
        link.Write(writer);
        writer.Put(LinkAttribute.Statistics64, new byte[200]);
        writer.Begin(RouteMessageType.NewRoute, NetlinkFlags.Multi, new RouteHeader { Family = RouteFamily.InterNetwork, DestinationLength = 16 });
        writer.Put(RouteAttribute.Destination, IPAddress.Parse("10.1.0.0"));
        writer.Put(RouteAttribute.Multipath, new byte[] { 16, 0, 0, 0, 1, 0, 0, 0, 8, 0, 5, 0, 10, 0, 0, 1 });
        writer.Begin(NetlinkHeader.TypeError, NetlinkFlags.Capped | NetlinkFlags.ErrorAttributes, new NetlinkHeader { Length = unchecked((uint)-17), Type = 36 });
        writer.Put(Attribute.One, "words");
        writer.End();
        var bytes = writer.Written.ToArray();
        bytes[position % bytes.Length] = value;
        ReadAll(bytes);
        ReadAll(bytes.AsSpan(0, length % bytes.Length).ToArray());
    }

    private static void ReadAll(byte[] bytes)
    {
        try
        {
            var messages = new MessageReader(bytes);
            while (messages.TryRead(out var message))
            {
                Try(message, Link.Parse);
                Try(message, InterfaceAddress.Parse);
                Try(message, Route.Parse);
                Try(message, Neighbour.Parse);
                Try(message, Qdisc.Parse);
                Try(message, RuleInfo.Parse);
                Try(message, static inner => SetElement.Parse(inner.AttributesAfter<NetfilterHeader>()));
                Try(message, static inner => UserData.FindComment(inner.Payload));
                Try(message, static inner => (object)NetlinkError.Parse(inner));
            }
        }
        catch (NetworkException)
        {
            // Refused, as it may be.
        }
    }

    private static void Try(NetlinkMessage message, MessageParser<object> parser)
    {
        try
        {
            _ = parser(message);
        }
        catch (NetworkException)
        {
            // Refused, as it may be.
        }
    }
}
