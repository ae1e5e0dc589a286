using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Containers.Benchmarks.Names;

/// <summary>A name, and whom it is asked of.</summary>
/// <param name="What">What the question is in the report.</param>
/// <param name="Name">The name, of which the IPv4 address is asked for.</param>
/// <param name="Connect">Makes a client's socket.</param>
/// <param name="Share">Of so many of the other questions this one is asked: it takes as many times as long.</param>
internal sealed record NameQuestion(string What, string Name, Func<Socket> Connect, int Share = 1)
{
    /// <summary>Asked of a server in the network namespace of the calling thread.</summary>
    public NameQuestion(string what, string name, IPEndPoint server, int share = 1)
        : this(what, name, () => ConnectTo(server), share)
    {
    }

    public static Socket ConnectTo(IPEndPoint server)
    {
        var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        socket.Connect(server);
        return socket;
    }

    /// <summary>The question as it is sent, with number 0 (RFC 1035, 4.1).</summary>
    public byte[] Message() =>
        [0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. Name.Split('.').SelectMany(static label => (byte[])[(byte)label.Length, .. Encoding.ASCII.GetBytes(label)]), 0, 0, 1, 0, 1];
}
