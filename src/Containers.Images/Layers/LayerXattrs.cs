using System.Buffers.Binary;

namespace Containers.Layers;

/// <summary>
/// The extended attributes that layers carry. Marks of overlay would hide or redirect what is below (CVE-2023-2640), labels of security
/// modules are the host's, and the rest has no meaning in an image.
/// </summary>
internal static class LayerXattrs
{
    private const int CapabilityVersion2 = 20;
    private const int CapabilityVersion3 = 24;

    public static ReadOnlySpan<byte> Capability => "security.capability"u8;

    public static ReadOnlySpan<byte> TrustedOpaque => "trusted.overlay.opaque\0"u8;

    public static ReadOnlySpan<byte> UserOpaque => "user.overlay.opaque\0"u8;

    public static bool IsAllowed(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) =>
        name.StartsWith("user."u8) ? !name.StartsWith("user.overlay."u8) && name.Length > "user.".Length
        : name.SequenceEqual(Capability) && IsCapability(value);

    /// <summary>Capabilities that mean something in the user namespace of this user's engine alone, as they mean it everywhere.</summary>
    public static byte[] Portable(ReadOnlySpan<byte> name, byte[] value)
    {
        if (!name.SequenceEqual(Capability) || value.Length != CapabilityVersion3 || value[3] != 3
            || BinaryPrimitives.ReadUInt32LittleEndian(value.AsSpan(20)) != Interop.Libc.EffectiveUserId())
        {
            return value;
        }

        var portable = value[..CapabilityVersion2];
        portable[3] = 2;
        return portable;
    }

    /// <summary>struct vfs_ns_cap_data: of the second version, or of the third for the root of the first user namespace.</summary>
    private static bool IsCapability(ReadOnlySpan<byte> value) => value.Length switch
    {
        CapabilityVersion2 => value[3] == 2,
        CapabilityVersion3 => value[3] == 3 && BinaryPrimitives.ReadUInt32LittleEndian(value[20..]) == 0,
        _ => false,
    };
}
