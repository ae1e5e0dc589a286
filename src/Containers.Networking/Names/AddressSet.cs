using System.Net;
using System.Net.Sockets;

namespace Containers.Names;

/// <summary>The addresses of one name, as they are in records: one after the other. It does not change; another takes its place.</summary>
internal sealed class AddressSet
{
    public const int FourSize = 4;
    public const int SixSize = 16;

    public static readonly AddressSet Empty = new([], []);

    private readonly byte[] _four;
    private readonly byte[] _six;

    private AddressSet(byte[] four, byte[] six) => (_four, _six) = (four, six);

    public ReadOnlySpan<byte> Four => _four;

    public ReadOnlySpan<byte> Six => _six;

    public bool IsEmpty => _four.Length + _six.Length == 0;

    public AddressSet With(IPAddress address)
    {
        var bytes = address.GetAddressBytes();
        return address.AddressFamily == AddressFamily.InterNetwork
            ? new AddressSet([.. Remove(_four, bytes), .. bytes], _six)
            : new AddressSet(_four, [.. Remove(_six, bytes), .. bytes]);
    }

    public AddressSet Without(IPAddress address)
    {
        var bytes = address.GetAddressBytes();
        return address.AddressFamily == AddressFamily.InterNetwork ? new AddressSet(Remove(_four, bytes), _six) : new AddressSet(_four, Remove(_six, bytes));
    }

    /// <summary>Those of both: a name that containers of several networks have.</summary>
    public AddressSet With(AddressSet other) => new([.. _four, .. other._four], [.. _six, .. other._six]);

    private static byte[] Remove(byte[] all, byte[] one) => [.. all.Chunk(one.Length).Where(entry => !entry.AsSpan().SequenceEqual(one)).SelectMany(static entry => entry)];
}
