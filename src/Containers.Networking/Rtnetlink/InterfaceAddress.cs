using System.Net;
using Containers.Netlink;

namespace Containers.Rtnetlink;

/// <summary>An address of an interface, with the network that is reached there.</summary>
internal sealed record InterfaceAddress(int Index, IPAddress Address, int PrefixLength)
{
    public IPAddress? Broadcast { get; init; }

    public AddressFlags Flags { get; init; }

    public byte Scope { get; init; }

    /// <summary>IPv4 only: a name that starts with the interface's.</summary>
    public string? Label { get; init; }

    public static InterfaceAddress Parse(NetlinkMessage message)
    {
        var header = message.Read<AddressHeader>();
        IPAddress? address = null;
        IPAddress? local = null;
        var result = new InterfaceAddress(header.Index, IPAddress.None, header.PrefixLength) { Flags = (AddressFlags)header.Flags, Scope = header.Scope };
        foreach (var attribute in message.AttributesAfter<AddressHeader>())
        {
            switch ((AddressAttribute)attribute.Type)
            {
                case AddressAttribute.Address:
                    address = attribute.Address;
                    break;
                case AddressAttribute.Local:
                    local = attribute.Address;
                    break;
                case AddressAttribute.Broadcast:
                    result = result with { Broadcast = attribute.Address };
                    break;
                case AddressAttribute.Label:
                    result = result with { Label = attribute.Text };
                    break;
                case AddressAttribute.Flags:
                    result = result with { Flags = (AddressFlags)attribute.UInt32 };
                    break;
            }
        }

        // IPv6 has the address alone; of a point-to-point interface it is the other end's, and the local one is this end's.
        return (local ?? address) is { } own ? result with { Address = own } : throw MessageReader.Malformed("an address message without an address");
    }
}

/// <summary>IFA_F_* of linux/if_addr.h.</summary>
[Flags]
internal enum AddressFlags : uint
{
    None = 0,
    Secondary = 0x1,

    /// <summary>Usable at once, without asking first whether another has it.</summary>
    NoDuplicateDetection = 0x2,
    DuplicateDetectionFailed = 0x8,
    Tentative = 0x40,
    Permanent = 0x80,
    NoPrefixRoute = 0x200,
}
