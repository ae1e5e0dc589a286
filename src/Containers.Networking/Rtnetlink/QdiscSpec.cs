using System.Runtime.InteropServices;
using Containers.Netlink;

namespace Containers.Rtnetlink;

/// <summary>A queue to put before an interface: what leaves by it is delayed, limited or dropped there. Handles are written <c>1:0</c>.</summary>
internal abstract record QdiscSpec
{
    public const uint Root = 0xffffffff;
    public const uint IngressParent = 0xfffffff1;

    /// <summary>What it hangs below: the interface itself, or a class.</summary>
    public uint Parent { get; init; } = Root;

    /// <summary>Its own number, the major in the upper 16 bits; 0: the kernel chooses.</summary>
    public uint Handle { get; init; }

    public abstract string Kind { get; }

    public abstract void WriteOptions(MessageWriter writer);

    public static uint HandleOf(ushort major, ushort minor = 0) => ((uint)major << 16) | minor;
}

/// <summary>Lets through so many bytes a second, with bursts (tc-tbf(8)).</summary>
/// <param name="Rate">Bytes a second.</param>
/// <param name="Burst">Bytes that may go at once; at least one packet.</param>
/// <param name="Limit">Bytes that may wait; what is more is dropped.</param>
internal sealed record TokenBucketQdisc(ulong Rate, uint Burst, uint Limit) : QdiscSpec
{
    private enum Attribute : ushort
    {
        Parameters = 1,
        Rate64 = 4,
        Burst = 6,
    }

    public override string Kind => "tbf";

    public override void WriteOptions(MessageWriter writer)
    {
        writer.Put(Attribute.Parameters, new Parameters { Rate = new RateSpec(Rate), Limit = Limit, Buffer = RateSpec.Ticks(Rate, Burst) });
        RateSpec.PutLarge(writer, Attribute.Rate64, Rate);
        writer.Put(Attribute.Burst, Burst);
    }

    /// <summary>struct tc_tbf_qopt</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        public RateSpec Rate;
        public RateSpec Peak;
        public uint Limit;
        public uint Buffer;
        public uint Mtu;
    }
}

/// <summary>Delays, loses and doubles packets on purpose (tc-netem(8)).</summary>
internal sealed record NetemQdisc : QdiscSpec
{
    private enum Attribute : ushort
    {
        Latency64 = 10,
        Jitter64 = 11,
    }

    public TimeSpan Delay { get; init; }

    public TimeSpan Jitter { get; init; }

    /// <summary>The share of packets that are lost, from 0 to 1.</summary>
    public double Loss { get; init; }

    /// <summary>The share of packets that come twice, from 0 to 1.</summary>
    public double Duplicate { get; init; }

    /// <summary>Packets that may wait.</summary>
    public uint Limit { get; init; } = 1000;

    public override string Kind => "netem";

    public override void WriteOptions(MessageWriter writer)
    {
        // Its options begin with a structure, without a header of its own.
        writer.PutRaw(new Parameters { Limit = Limit, Loss = Share(Loss), Duplicate = Share(Duplicate) });
        writer.Put(Attribute.Latency64, (long)(Delay.TotalMicroseconds * 1000));
        writer.Put(Attribute.Jitter64, (long)(Jitter.TotalMicroseconds * 1000));
    }

    private static uint Share(double share) => (uint)(Math.Clamp(share, 0, 1) * uint.MaxValue);

    /// <summary>struct tc_netem_qopt</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        public uint Latency;
        public uint Limit;
        public uint Loss;
        public uint Gap;
        public uint Duplicate;
        public uint Jitter;
    }
}

/// <summary>Shares bandwidth among classes (tc-htb(8)); classes are <see cref="HtbClass"/>.</summary>
/// <param name="DefaultClass">The minor number of the class for what no filter puts elsewhere.</param>
internal sealed record HtbQdisc(uint DefaultClass) : QdiscSpec
{
    private enum Attribute : ushort
    {
        Init = 2,
    }

    public override string Kind => "htb";

    public override void WriteOptions(MessageWriter writer) =>
        writer.Put(Attribute.Init, new Parameters { Version = 3, RateToQuantum = 10, DefaultClass = DefaultClass });

    /// <summary>struct tc_htb_glob</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        public uint Version;
        public uint RateToQuantum;
        public uint DefaultClass;
        public uint Debug;
        public uint DirectPackets;
    }
}

/// <summary>A class of an <see cref="HtbQdisc"/>.</summary>
/// <param name="Rate">Bytes a second that it has in any case.</param>
/// <param name="Ceiling">Bytes a second that it may have while others do not need theirs.</param>
/// <param name="Burst">Bytes that may go at once.</param>
internal sealed record HtbClass(ulong Rate, ulong Ceiling, uint Burst) : QdiscSpec
{
    private enum Attribute : ushort
    {
        Parameters = 1,
        Rate64 = 6,
        Ceiling64 = 7,
    }

    public override string Kind => "htb";

    public override void WriteOptions(MessageWriter writer)
    {
        writer.Put(Attribute.Parameters, new Parameters
        {
            Rate = new RateSpec(Rate),
            Ceiling = new RateSpec(Ceiling),
            Buffer = RateSpec.Ticks(Rate, Burst),
            CeilingBuffer = RateSpec.Ticks(Ceiling, Burst),
        });
        RateSpec.PutLarge(writer, Attribute.Rate64, Rate);
        RateSpec.PutLarge(writer, Attribute.Ceiling64, Ceiling);
    }

    /// <summary>struct tc_htb_opt</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        public RateSpec Rate;
        public RateSpec Ceiling;
        public uint Buffer;
        public uint CeilingBuffer;
        public uint Quantum;
        public uint Level;
        public uint Priority;
    }
}

/// <summary>The place for filters on what comes in by the interface (tc(8)).</summary>
internal sealed record IngressQdisc : QdiscSpec
{
    public IngressQdisc()
    {
        Parent = IngressParent;
        Handle = HandleOf(0xffff);
    }

    public override string Kind => "ingress";

    public override void WriteOptions(MessageWriter writer)
    {
    }
}

/// <summary>Fair queueing that keeps waiting times short (tc-fq_codel(8)), with the kernel's own settings.</summary>
internal sealed record FqCodelQdisc : QdiscSpec
{
    public override string Kind => "fq_codel";

    public override void WriteOptions(MessageWriter writer)
    {
    }
}

/// <summary>struct tc_ratespec (linux/pkt_sched.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct RateSpec
{
    /// <summary>TC_LINKLAYER_ETHERNET: without it the kernel looks for a table of times, which it needs no more.</summary>
    private const byte Ethernet = 1;

    /// <summary>The kernel's clock of queues ticks each 64 nanoseconds (PSCHED_SHIFT).</summary>
    private const int TickShift = 6;

    private readonly byte _cellLog;
    private readonly byte _linkLayer;
    private readonly ushort _overhead;
    private readonly short _cellAlign;
    private readonly ushort _minimum;
    private readonly uint _rate;

    public RateSpec(ulong bytesASecond)
        : this()
    {
        _linkLayer = Ethernet;
        _rate = (uint)Math.Min(bytesASecond, uint.MaxValue);
    }

    /// <summary>How long sending takes at a rate, which is how the kernel keeps bursts.</summary>
    public static uint Ticks(ulong bytesASecond, ulong bytes) =>
        bytesASecond == 0 ? 0 : (uint)UInt128.Min(uint.MaxValue, ((UInt128)bytes * 1_000_000_000 / bytesASecond) >> TickShift);

    /// <summary>Rates of 4 GiB a second and more are an attribute of their own.</summary>
    public static void PutLarge<TType>(MessageWriter writer, TType type, ulong bytesASecond)
        where TType : unmanaged, Enum
    {
        if (bytesASecond > uint.MaxValue)
        {
            writer.Put(type, bytesASecond);
        }
    }
}
