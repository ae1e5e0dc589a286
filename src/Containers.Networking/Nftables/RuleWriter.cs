using System.Buffers.Binary;
using Containers.Netlink;

namespace Containers.Nftables;

/// <summary>
/// Writes the expressions of one rule, one method for each (linux/netfilter/nf_tables.h). It knows what the rule has already made sure of,
/// so that what a field of a header needs, the protocol above all, is written once, and what cannot be is refused.
/// </summary>
internal sealed class RuleWriter(MessageWriter writer, NftFamily family, string subject)
{
    /// <summary>Four registers of 16 bytes, or sixteen of 4 (numbered from 8) over the same memory.</summary>
    public const uint Register1 = 8;
    private const uint VerdictRegister = 0;
    private const int RegisterSize = 4;

    private ushort? _network;
    private byte? _transport;

    /// <summary>The register so many bytes behind <see cref="Register1"/>.</summary>
    public static uint RegisterAt(int offset) => Register1 + (uint)(offset / RegisterSize);

    /// <summary>The bytes a field takes in registers.</summary>
    public static int Padded(int length) => (length + RegisterSize - 1) & ~(RegisterSize - 1);

    /// <summary>From here on the packet is of this protocol (the numbers of Ethernet).</summary>
    public void RequireNetwork(ushort etherType)
    {
        _network ??= family switch
        {
            NftFamily.Ip => EtherType.Ip4,
            NftFamily.Ip6 => EtherType.Ip6,
            NftFamily.Arp => EtherType.Arp,
            _ => null,
        };
        if (_network == etherType)
        {
            return;
        }

        if (_network is not null || (family == NftFamily.Inet && etherType == EtherType.Arp))
        {
            throw new NetworkException("write a rule for", subject, "It asks for fields of two protocols, or of one that its table does not see.");
        }

        _network = etherType;
        if (family == NftFamily.Inet)
        {
            Meta(MetaKey.NetworkProtocol, Register1);
            Compare(CompareOperation.Equal, [(byte)(etherType == EtherType.Ip4 ? NftFamily.Ip : NftFamily.Ip6)]);
        }
        else
        {
            Meta(MetaKey.Protocol, Register1);
            Compare(CompareOperation.Equal, Network(etherType));
        }
    }

    /// <summary>From here on the packet is of this protocol above IP.</summary>
    public void RequireTransport(byte protocol)
    {
        if (_transport == protocol)
        {
            return;
        }

        if (_transport is not null)
        {
            throw new NetworkException("write a rule for", subject, "It asks for fields of two transport protocols.");
        }

        _transport = protocol;
        Meta(MetaKey.TransportProtocol, Register1);
        Compare(CompareOperation.Equal, [protocol]);
    }

    public void Meta(MetaKey key, uint register) => Expression("meta", () =>
    {
        writer.PutNetwork(Operand.First, register);
        writer.PutNetwork(Operand.Second, (uint)key);
    });

    public void SetMeta(MetaKey key, uint register) => Expression("meta", () =>
    {
        writer.PutNetwork(Operand.Second, (uint)key);
        writer.PutNetwork(Operand.Third, register);
    });

    public void Payload(PayloadBase from, int offset, int length, uint register) => Expression("payload", () =>
    {
        writer.PutNetwork(Operand.First, register);
        writer.PutNetwork(Operand.Second, (uint)from);
        writer.PutNetwork(Operand.Third, (uint)offset);
        writer.PutNetwork(Operand.Fourth, (uint)length);
    });

    public void Compare(CompareOperation operation, ReadOnlySpan<byte> value)
    {
        var expression = Begin("cmp");
        writer.PutNetwork(Operand.First, Register1);
        writer.PutNetwork(Operand.Second, (uint)operation);
        Value(Operand.Third, value);
        End(expression);
    }

    /// <summary>Whether the value is between two, both included.</summary>
    public void Range(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        var expression = Begin("range");
        writer.PutNetwork(Operand.First, Register1);
        writer.PutNetwork(Operand.Second, 0u);
        Value(Operand.Third, from);
        Value(Operand.Fourth, to);
        End(expression);
    }

    /// <summary>Keeps the bits of a mask.</summary>
    public void Mask(ReadOnlySpan<byte> mask)
    {
        var expression = Begin("bitwise");
        writer.PutNetwork(Operand.First, Register1);
        writer.PutNetwork(Operand.Second, Register1);
        writer.PutNetwork(Operand.Third, (uint)mask.Length);
        Value(Operand.Fourth, mask);
        Value(Operand.Fifth, new byte[mask.Length]);
        End(expression);
    }

    /// <summary>Looks the value up in a set; of a map the result goes to a register, or is the verdict.</summary>
    public void Lookup(string set, uint? result, bool inverted = false) => Expression("lookup", () =>
    {
        writer.Put(Operand.First, set);
        writer.PutNetwork(Operand.Second, Register1);
        if (result is { } register)
        {
            writer.PutNetwork(Operand.Third, register);
        }

        if (inverted)
        {
            writer.PutNetwork(Operand.Fifth, 1u);
        }
    });

    public void LookupVerdict(string map) => Lookup(map, VerdictRegister);

    public void Immediate(uint register, ReadOnlySpan<byte> value)
    {
        var expression = Begin("immediate");
        writer.PutNetwork(Operand.First, register);
        Value(Operand.Second, value);
        End(expression);
    }

    public void Give(Verdict verdict) => Expression("immediate", () =>
    {
        writer.PutNetwork(Operand.First, VerdictRegister);
        var data = writer.BeginNested(Operand.Second);
        verdict.Write(writer);
        writer.EndNested(data);
    });

    /// <param name="key">What of the connection.</param>
    /// <param name="register">Where to.</param>
    /// <param name="original">Of its first packet's direction, for what each direction has its own of.</param>
    public void Connection(ConnectionKey key, uint register, bool original = false) => Expression("ct", () =>
    {
        writer.PutNetwork(Operand.First, register);
        writer.PutNetwork(Operand.Second, (uint)key);
        if (original)
        {
            writer.Put(Operand.Third, (byte)0);
        }
    });

    public void SetConnection(ConnectionKey key, uint register) => Expression("ct", () =>
    {
        writer.PutNetwork(Operand.Second, (uint)key);
        writer.PutNetwork(Operand.Fourth, register);
    });

    /// <param name="destination">Destination or source.</param>
    /// <param name="etherType">IPv4 or IPv6.</param>
    /// <param name="address">The register with the address.</param>
    /// <param name="firstPort">The register with the port.</param>
    /// <param name="lastPort">The register with the last port of a range.</param>
    public void Nat(bool destination, ushort etherType, uint? address, uint? firstPort, uint? lastPort = null) => Expression("nat", () =>
    {
        writer.PutNetwork(Operand.First, destination ? 1u : 0u);
        writer.PutNetwork(Operand.Second, (uint)(etherType == EtherType.Ip4 ? NftFamily.Ip : NftFamily.Ip6));
        PutRegister(Operand.Third, address);
        PutRegister(Operand.Fifth, firstPort);
        PutRegister(Operand.Sixth, lastPort);
    });

    public void Masquerade(uint? firstPort, uint? lastPort, bool random) => Expression("masq", () =>
    {
        // NF_NAT_RANGE_PROTO_RANDOM_FULLY of linux/netfilter/nf_nat.h.
        const uint FullyRandom = 1 << 4;
        if (random)
        {
            writer.PutNetwork(Operand.First, FullyRandom);
        }

        PutRegister(Operand.Second, firstPort);
        PutRegister(Operand.Third, lastPort);
    });

    public void Redirect(uint port) => Expression("redir", () => writer.PutNetwork(Operand.First, port));

    public void Reject(RejectKind kind, byte code) => Expression("reject", () =>
    {
        writer.PutNetwork(Operand.First, (uint)kind);
        if (kind != RejectKind.TcpReset)
        {
            writer.Put(Operand.Second, code);
        }
    });

    public void Counter() => Expression("counter", () =>
    {
        writer.PutNetwork(Operand.First, 0ul);
        writer.PutNetwork(Operand.Second, 0ul);
    });

    /// <summary>A named counter, or a named quota, which a packet goes by where it is not exceeded, or only where it is.</summary>
    public void Object(ObjectType type, string name) => Expression("objref", () =>
    {
        writer.PutNetwork(Operand.First, (uint)type);
        writer.Put(Operand.Second, name);
    });

    /// <summary>Makes what is in the registers an element of a set; the packet goes no further in this rule where the set is full.</summary>
    /// <param name="operation">What becomes of one that is there.</param>
    /// <param name="set">The set.</param>
    /// <param name="timeout">When the element ends; null: as the set says.</param>
    /// <param name="each">Writes the expression that each element has, such as a counter, without the list around it.</param>
    public void Remember(ElementOperation operation, string set, TimeSpan? timeout, Action<MessageWriter>? each) => Expression("dynset", () =>
    {
        writer.Put(Operand.First, set);
        writer.PutNetwork(Operand.Third, (uint)operation);
        writer.PutNetwork(Operand.Fourth, Register1);
        if (timeout is { } time)
        {
            writer.PutNetwork(Operand.Sixth, (ulong)time.TotalMilliseconds);
        }

        if (each is not null)
        {
            var expression = writer.BeginNested(Operand.Seventh);
            each(writer);
            writer.EndNested(expression);
        }
    });

    public void Limit(ulong rate, ulong seconds, uint burst, bool bytes, bool over) => Expression("limit", () =>
    {
        writer.PutNetwork(Operand.First, rate);
        writer.PutNetwork(Operand.Second, seconds);
        writer.PutNetwork(Operand.Third, burst);
        writer.PutNetwork(Operand.Fourth, bytes ? 1u : 0u);
        writer.PutNetwork(Operand.Fifth, over ? 1u : 0u);
    });

    public void Quota(ulong bytes, bool over) => Expression("quota", () =>
    {
        writer.PutNetwork(Operand.First, bytes);
        writer.PutNetwork(Operand.Second, over ? 1u : 0u);
        writer.PutNetwork(Operand.Fourth, 0ul);
    });

    public void ConnectionLimit(uint count, bool over) => Expression("connlimit", () => PutConnectionLimit(writer, count, over));

    /// <summary>The same as the expression of each element of a set.</summary>
    public static void WriteConnectionLimit(MessageWriter writer, uint count, bool over)
    {
        writer.Put(ExpressionAttribute.Name, "connlimit");
        var data = writer.BeginNested(ExpressionAttribute.Data);
        PutConnectionLimit(writer, count, over);
        writer.EndNested(data);
    }

    public void Log(string prefix, uint? level) => Expression("log", () =>
    {
        writer.Put(Operand.Second, prefix);
        if (level is { } number)
        {
            writer.PutNetwork(Operand.Fifth, number);
        }
    });

    /// <summary>What the routing tables say of an address.</summary>
    public void Fib(FibResult result, FibFlags flags, uint register) => Expression("fib", () =>
    {
        writer.PutNetwork(Operand.First, register);
        writer.PutNetwork(Operand.Second, (uint)result);
        writer.PutNetwork(Operand.Third, (uint)flags);
    });

    public void NoTrack() => Expression("notrack", static () => { });

    public static byte[] Network(ushort value)
    {
        var bytes = new byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, value);
        return bytes;
    }

    private static void PutConnectionLimit(MessageWriter writer, uint count, bool over)
    {
        writer.PutNetwork(Operand.First, count);
        writer.PutNetwork(Operand.Second, over ? 1u : 0u);
    }

    private void PutRegister(Operand operand, uint? register)
    {
        if (register is { } number)
        {
            writer.PutNetwork(operand, number);
        }
    }

    private void Value(Operand operand, ReadOnlySpan<byte> value)
    {
        var data = writer.BeginNested(operand);
        writer.Put(DataAttribute.Value, value);
        writer.EndNested(data);
    }

    private void Expression(string name, Action operands)
    {
        var expression = Begin(name);
        operands();
        End(expression);
    }

    private (int Element, int Data) Begin(string name)
    {
        var element = writer.BeginNested(ListAttribute.Element);
        writer.Put(ExpressionAttribute.Name, name);
        return (element, writer.BeginNested(ExpressionAttribute.Data));
    }

    private void End((int Element, int Data) expression)
    {
        writer.EndNested(expression.Data);
        writer.EndNested(expression.Element);
    }
}
