using Containers.Netlink;

namespace Containers.Nftables;

/// <summary>What becomes of a packet.</summary>
internal sealed record Verdict(int Code, string? Chain = null)
{
    public static readonly Verdict Drop = new(0);
    public static readonly Verdict Accept = new(1);
    public static readonly Verdict Continue = new(-1);
    public static readonly Verdict Return = new(-5);

    /// <summary>To another chain, and back here where that says nothing.</summary>
    public static Verdict Jump(string chain) => new(-3, chain);

    /// <summary>To another chain, and not back.</summary>
    public static Verdict Goto(string chain) => new(-4, chain);

    public void Write(MessageWriter writer)
    {
        var verdict = writer.BeginNested(DataAttribute.Verdict);
        writer.PutNetwork(VerdictAttribute.Code, (uint)Code);
        if (Chain is not null)
        {
            writer.Put(VerdictAttribute.Chain, Chain);
        }

        writer.EndNested(verdict);
    }
}
