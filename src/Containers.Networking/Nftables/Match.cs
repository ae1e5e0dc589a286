using System.Net;
using System.Net.NetworkInformation;
using System.Text;

namespace Containers.Nftables;

/// <summary>What a packet must be like for a rule to go on with it.</summary>
internal static class Match
{
    private const uint LocalAddress = 2; // RTN_LOCAL

    public static Statement Is(Field field, ReadOnlyMemory<byte> value) => Compare(field, CompareOperation.Equal, value);

    public static Statement IsNot(Field field, ReadOnlyMemory<byte> value) => Compare(field, CompareOperation.NotEqual, value);

    public static Statement Between(Field field, ReadOnlyMemory<byte> first, ReadOnlyMemory<byte> last) => new(rule =>
    {
        Load(rule, field);
        rule.Range(first.Span, last.Span);
    });

    public static Statement InputInterface(string name) => Is(Field.InputInterface, Value.Interface(name));

    /// <summary>An interface's name begins so.</summary>
    public static Statement Begins(Field name, string prefix) => Is(name, Encoding.ASCII.GetBytes(prefix));

    public static Statement NotBegins(Field name, string prefix) => IsNot(name, Encoding.ASCII.GetBytes(prefix));

    public static Statement NotInputInterface(string name) => IsNot(Field.InputInterface, Value.Interface(name));

    public static Statement OutputInterface(string name) => Is(Field.OutputInterface, Value.Interface(name));

    public static Statement NotOutputInterface(string name) => IsNot(Field.OutputInterface, Value.Interface(name));

    /// <summary>Source or destination in a network of either family.</summary>
    public static Statement Source(IPNetwork network) => Network(IsFour(network.BaseAddress) ? Field.Ip4Source : Field.Ip6Source, network, CompareOperation.Equal);

    public static Statement Destination(IPNetwork network) => Network(DestinationField(network.BaseAddress), network, CompareOperation.Equal);

    public static Statement NotSource(IPNetwork network) => Network(IsFour(network.BaseAddress) ? Field.Ip4Source : Field.Ip6Source, network, CompareOperation.NotEqual);

    public static Statement NotDestination(IPNetwork network) => Network(DestinationField(network.BaseAddress), network, CompareOperation.NotEqual);

    public static Statement Source(IPAddress address) => Source(Host(address));

    public static Statement Destination(IPAddress address) => Destination(Host(address));

    public static Statement NotSource(IPAddress address) => NotSource(Host(address));

    /// <summary>Where the connection's first packet was sent, before any translation.</summary>
    public static Statement OriginalDestination(IPAddress address) =>
        Is(IsFour(address) ? Field.OriginalIp4Destination : Field.OriginalIp6Destination, Value.Of(address));

    public static Statement TcpDestinationPort(ushort port) => Is(Field.TcpDestinationPort, Value.Port(port));

    public static Statement UdpDestinationPort(ushort port) => Is(Field.UdpDestinationPort, Value.Port(port));

    public static Statement TcpDestinationPorts(ushort first, ushort last) => Between(Field.TcpDestinationPort, Value.Port(first), Value.Port(last));

    public static Statement UdpDestinationPorts(ushort first, ushort last) => Between(Field.UdpDestinationPort, Value.Port(first), Value.Port(last));

    public static Statement TransportProtocol(byte protocol) => new(rule => rule.RequireTransport(protocol));

    public static Statement NetworkProtocol(ushort etherType) => new(rule => rule.RequireNetwork(etherType));

    public static Statement EthernetSource(PhysicalAddress address) => Is(Field.EthernetSource, Value.Of(address));

    public static Statement NotEthernetSource(PhysicalAddress address) => IsNot(Field.EthernetSource, Value.Of(address));

    public static Statement Mark(uint mark) => Is(Field.Mark, Value.Host(mark));

    public static Statement PacketType(PacketType type) => Is(Field.PacketType, Value.Byte((byte)type));

    public static Statement State(ConnectionState states) => Bits(ConnectionKey.State, (uint)states);

    public static Statement Status(ConnectionStatus status) => Bits(ConnectionKey.Status, (uint)status);

    /// <summary>The destination is one of this host's own addresses: what is on its way through is none of a published port's business.</summary>
    public static Statement DestinationIsLocal { get; } = new(static rule =>
    {
        rule.Fib(FibResult.AddressType, FibFlags.Destination, RuleWriter.Register1);
        rule.Compare(CompareOperation.Equal, Value.Host(LocalAddress));
    });

    /// <summary>The fields, as one key, are in a set.</summary>
    public static Statement In(string set, params Field[] fields) => new(rule =>
    {
        Load(rule, fields);
        rule.Lookup(set, result: null);
    });

    public static Statement NotIn(string set, params Field[] fields) => new(rule =>
    {
        Load(rule, fields);
        rule.Lookup(set, result: null, inverted: true);
    });

    /// <summary>More packets than so many in a time.</summary>
    public static Statement RateOver(ulong packets, TimeSpan unit, uint burst) => new(rule => rule.Limit(packets, (ulong)unit.TotalSeconds, burst, bytes: false, over: true));

    /// <summary>No more packets than so many in a time.</summary>
    public static Statement RateUpTo(ulong packets, TimeSpan unit, uint burst) => new(rule => rule.Limit(packets, (ulong)unit.TotalSeconds, burst, bytes: false, over: false));

    /// <summary>More bytes than so many a second; what was not used of a second, and the burst beyond it, is kept for later.</summary>
    public static Statement BytesASecondOver(ulong bytes, uint burst) => new(rule => rule.Limit(bytes, 1, burst, bytes: true, over: true));

    /// <summary>What a named quota says: <see cref="NftBatch.AddQuota"/>.</summary>
    public static Statement Quota(string name) => new(rule => rule.Object(ObjectType.Quota, name));

    /// <summary>More bytes than so many in all.</summary>
    public static Statement QuotaOver(ulong bytes) => new(rule => rule.Quota(bytes, over: true));

    /// <summary>More connections at a time than so many, of those that come to this rule.</summary>
    public static Statement ConnectionsOver(uint count) => new(rule => rule.ConnectionLimit(count, over: true));

    /// <summary>More connections at a time than so many, of those that have the same fields; a dynamic set keeps them.</summary>
    public static Statement ConnectionsOfEachOver(uint count, string set, params Field[] fields) => new(rule =>
    {
        Load(rule, fields);
        rule.Remember(ElementOperation.Add, set, timeout: null, writer => RuleWriter.WriteConnectionLimit(writer, count, over: true));
    });

    /// <summary>Of these flags of TCP exactly those are set.</summary>
    public static Statement TcpFlags(TcpFlags of, TcpFlags set) => TcpFlags(of, set, CompareOperation.Equal);

    /// <summary>TCP, but not with exactly those set of these flags.</summary>
    public static Statement OtherTcpFlags(TcpFlags of, TcpFlags set) => TcpFlags(of, set, CompareOperation.NotEqual);

    private static Statement TcpFlags(TcpFlags of, TcpFlags set, CompareOperation comparison) => new(rule =>
    {
        const int FlagsOffset = 13;
        rule.RequireTransport(Nftables.TransportProtocol.Tcp);
        rule.Payload(PayloadBase.Transport, FlagsOffset, sizeof(byte), RuleWriter.Register1);
        rule.Mask([(byte)of]);
        rule.Compare(comparison, [(byte)set]);
    });

    internal static void Load(RuleWriter rule, params ReadOnlySpan<Field> fields)
    {
        // What a field needs is made sure of with the first register, so it has to come before any is loaded.
        foreach (var field in fields)
        {
            field.Require(rule);
        }

        var offset = 0;
        foreach (var field in fields)
        {
            field.Load(rule, RuleWriter.RegisterAt(offset));
            offset += RuleWriter.Padded(field.Type.Length);
        }
    }

    internal static bool IsFour(IPAddress address) => address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork;

    private static Field DestinationField(IPAddress address) => IsFour(address) ? Field.Ip4Destination : Field.Ip6Destination;

    private static IPNetwork Host(IPAddress address) => new(address, IsFour(address) ? 32 : 128);

    private static Statement Compare(Field field, CompareOperation operation, ReadOnlyMemory<byte> value) => new(rule =>
    {
        Load(rule, field);
        rule.Compare(operation, value.Span);
    });

    private static Statement Network(Field field, IPNetwork network, CompareOperation operation) => new(rule =>
    {
        const int BitsOfByte = 8;
        var address = network.BaseAddress.GetAddressBytes();
        var (bytes, bits) = Math.DivRem(network.PrefixLength, BitsOfByte);
        if (bits == 0 && bytes > 0)
        {
            // Whole bytes need no mask, which nft(8) knows too.
            Load(rule, field.First(bytes));
            rule.Compare(operation, address.AsSpan(0, bytes));
            return;
        }

        Load(rule, field);
        var mask = new byte[address.Length];
        mask.AsSpan(0, bytes).Fill(byte.MaxValue);
        if (bits > 0)
        {
            mask[bytes] = (byte)(byte.MaxValue << (BitsOfByte - bits));
        }

        rule.Mask(mask);
        rule.Compare(operation, address);
    });

    private static Statement Bits(ConnectionKey key, uint bits) => new(rule =>
    {
        rule.Connection(key, RuleWriter.Register1);
        rule.Mask(Value.Host(bits));
        rule.Compare(CompareOperation.NotEqual, Value.Host(0));
    });
}
