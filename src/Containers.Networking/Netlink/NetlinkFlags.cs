namespace Containers.Netlink;

/// <summary>Flags of a netlink message header (linux/netlink.h). What a bit means depends on the kind of request.</summary>
#pragma warning disable CA1069 // The kernel's bits mean different things by the kind of message.
[Flags]
internal enum NetlinkFlags : ushort
{
    None = 0,
    Request = 0x1,
    Multi = 0x2,
    Acknowledge = 0x4,
    Echo = 0x8,

    /// <summary>Of a dump's reply: the table changed while it was read, so parts may be missing or double.</summary>
    DumpInterrupted = 0x10,

    // Of a request to read.
    Root = 0x100,
    Match = 0x200,
    Dump = Root | Match,

    // Of a request to create.
    Replace = 0x100,
    Exclusive = 0x200,
    Create = 0x400,
    Append = 0x800,

    // Of an error.
    Capped = 0x100,
    ErrorAttributes = 0x200,
}
#pragma warning restore CA1069
