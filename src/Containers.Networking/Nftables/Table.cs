namespace Containers.Nftables;

/// <summary>A table: a name space of chains and sets.</summary>
internal sealed record Table(NftFamily Family, string Name)
{
    /// <summary>
    /// The table belongs to the socket that made it (NFT_TABLE_F_OWNER, Linux 5.12): nobody else can change it, <c>nft flush ruleset</c>
    /// passes it by, and the kernel takes it away when the socket is closed, however the process ends. So nothing of it is left to sweep, and a
    /// reload of the host's firewall takes no isolation away. The price: with the process its rules would be gone before what runs in containers,
    /// so the guardians have the socket too; and each engine needs a table of its own.
    /// </summary>
    public bool Owned { get; init; }

    public override string ToString() => $"{Family.Word()} {Name}";
}
