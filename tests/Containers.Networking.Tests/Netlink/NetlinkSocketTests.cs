using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Containers.Interop;
using Containers.Netlink;
using Containers.Rtnetlink;

namespace Containers.Tests.Netlink;

/// <summary>How a socket copes with answers that the kernel gives seldom, or never: here the other end is the test.</summary>
[Trait("Category", "Rootless")]
public sealed unsafe class NetlinkSocketTests : IDisposable
{
    private const int ErrorProtocol = 71;
    private const int ErrorAgain = 11;
    private const ushort NewLink = 16;

    private readonly FileDescriptor _kernel;
    private readonly NetlinkSocket _socket;
    private Thread? _answering;

    public NetlinkSocketTests()
    {
        var ends = stackalloc int[2];
        Assert.Equal(0, Libc.SocketPair(Libc.AddressFamilyUnix, Libc.SocketSequencedPacket | Libc.SocketCloseOnExec, 0, ends));
        _kernel = new FileDescriptor(ends[0]);
        _socket = NetlinkSocket.Unchecked(new FileDescriptor(ends[1]));
    }

    public void Dispose()
    {
        _socket.Dispose();
        _answering?.Join();
        _kernel.Dispose();
    }

    [Fact]
    public void Dump_ThatWasInterruptedIsReadAgain()
    {
        var requests = 0;
        Answer((writer, sequence) =>
        {
            requests++;
            writer.Begin(NewLink, NetlinkFlags.Multi | (requests < 3 ? NetlinkFlags.DumpInterrupted : NetlinkFlags.None), new LinkHeader { Index = requests });
            writer.Begin(NetlinkHeader.TypeDone, NetlinkFlags.Multi, 0);
        });
        Assert.Equal(3, Assert.Single(List()).Index);
    }

    [Fact]
    public void Dump_ThatIsAlwaysInterruptedIsGivenUp()
    {
        Answer(static (writer, _) => writer.Begin(NetlinkHeader.TypeDone, NetlinkFlags.Multi | NetlinkFlags.DumpInterrupted, 0));
        var exception = Assert.Throws<NetworkException>(List);
        Assert.Equal(ErrorAgain, exception.ErrorNumber);
        Assert.Contains("64 times", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Dump_OfSeveralReadsIsOneList()
    {
        Answer(static (writer, _) => writer.Begin(NewLink, NetlinkFlags.Multi, new LinkHeader { Index = 1 }), static (writer, _) =>
        {
            writer.Begin(NewLink, NetlinkFlags.Multi, new LinkHeader { Index = 2 });
            writer.Begin(NetlinkHeader.TypeDone, NetlinkFlags.Multi, 0);
        });
        Assert.Equal([1, 2], List().Select(static link => link.Index));
    }

    [Fact]
    public void Dump_ThatEndsWithAnErrorIsAnError()
    {
        Answer(static (writer, _) =>
        {
            writer.Begin(NewLink, NetlinkFlags.Multi, new LinkHeader { Index = 1 });
            writer.Begin(NetlinkHeader.TypeDone, NetlinkFlags.Multi, -22);
        });
        Assert.Equal(22, Assert.Throws<NetworkException>(List).ErrorNumber);
    }

    [Fact]
    public void Answers_ToFormerRequestsAreSkipped()
    {
        Answer(static (writer, sequence) =>
        {
            writer.Begin(NewLink, NetlinkFlags.Multi, new LinkHeader { Index = 666 });
            writer.Stamp(sequence - 1, 0);
        }, static (writer, _) =>
        {
            writer.Begin(NewLink, NetlinkFlags.Multi, new LinkHeader { Index = 1 });
            writer.Begin(NetlinkHeader.TypeDone, NetlinkFlags.Multi, 0);
        });
        Assert.Equal(1, Assert.Single(List()).Index);
    }

    [Fact]
    public void Error_HasTheKernelsWordsAndTheNameOfTheAttribute()
    {
        Answer(static (writer, _) =>
        {
            writer.Begin(NetlinkHeader.TypeError, NetlinkFlags.Capped | NetlinkFlags.ErrorAttributes, -17);
            writer.PutRaw(new NetlinkHeader { Length = 48, Type = NewLink });
            writer.Put((ExtendedAttribute)1, "Words of the kernel");
            writer.Put((ExtendedAttribute)2, 16 + 16 + 12);
        });
        using var request = new MessageWriter();
        request.Begin(NewLink, NetlinkFlags.Acknowledge, new LinkHeader());
        request.Put(LinkAttribute.Name, "eth0");
        request.Put(LinkAttribute.Mtu, 1500);
        var exception = Assert.Throws<NetworkException>(() => _socket.Execute(request, new RequestContext("do", "it", static type => ((LinkAttribute)type).ToString())));
        Assert.Equal(("Words of the kernel", "Mtu"), (exception.KernelMessage, exception.Attribute));
        Assert.Equal("do it: EEXIST (File exists): \"Words of the kernel\", at Mtu", exception.Message);
    }

    [Theory]
    [InlineData(new byte[] { 1, 2, 3 })]
    [InlineData(new byte[] { 255, 255, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 })]
    [InlineData(new byte[] { 4, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 })]
    public void Answer_ThatMakesNoSenseIsAnError_AndTheSocketIsUsedNoMore(byte[] garbage)
    {
        _answering = new Thread(() =>
        {
            var buffer = stackalloc byte[4096];
            _ = Libc.Read(_kernel, buffer, 4096);
            fixed (byte* start = garbage)
            {
                _ = Libc.Write(_kernel, start, (nuint)garbage.Length);
            }
        });
        _answering.Start();
        Assert.Equal(ErrorProtocol, Assert.Throws<NetworkException>(List).ErrorNumber);
        Assert.Contains("open another", Assert.Throws<NetworkException>(List).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Kernel_ThatIsGoneIsAnError()
    {
        _kernel.Dispose();
        Assert.Throws<NetworkException>(List);
    }

    private List<Link> List()
    {
        using var request = new MessageWriter();
        request.Begin(RouteMessageType.GetLink, NetlinkFlags.Dump, new LinkHeader());
        return _socket.Dump(request, new RequestContext("list", null), Link.Parse);
    }

    /// <summary>Answers each request with these messages, a packet for each.</summary>
    private void Answer(params Action<MessageWriter, uint>[] packets)
    {
        _answering = new Thread(() =>
        {
            var buffer = stackalloc byte[4096];
            while (Libc.Read(_kernel, buffer, 4096) is var length and > 0)
            {
                var sequence = MemoryMarshal.Read<NetlinkHeader>(new ReadOnlySpan<byte>(buffer, (int)length)).Sequence;
                foreach (var packet in packets)
                {
                    using var writer = new MessageWriter();
                    packet(writer, sequence);
                    writer.End();
                    var bytes = writer.Written.ToArray();
                    fixed (byte* start = bytes)
                    {
                        // All messages of an answer have the number of its request, but those that the packet numbered.
                        for (var offset = 0; offset < bytes.Length; offset += MessageReader.Align(BitConverter.ToInt32(bytes, offset)))
                        {
                            var header = (NetlinkHeader*)(start + offset);
                            header->Sequence = header->Sequence == 0 ? sequence : header->Sequence;
                        }

                        _ = Libc.Write(_kernel, start, (nuint)bytes.Length);
                    }
                }
            }
        });
        _answering.Start();
    }

    private enum ExtendedAttribute : ushort;
}
