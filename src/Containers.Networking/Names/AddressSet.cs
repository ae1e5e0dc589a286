using System.Net;
using System.Net.Sockets;

namespace Containers.Names;

/// <summary>
/// The addresses of one name, as they are in records: one after the other. They do not change; another set takes their place. Whose turn it is
/// to be the first is counted for each family, as most clients ask for both at once.
/// </summary>
internal sealed class AddressSet
{
    public const int FourSize = 4;
    public const int SixSize = 16;

    public static readonly AddressSet Empty = new([], []);

    private readonly byte[] _four;
    private readonly byte[] _six;
    private uint _turn4;
    private uint _turn6;

    private AddressSet(byte[] four, byte[] six) => (_four, _six) = (four, six);

    public ReadOnlySpan<byte> Four => _four;

    public ReadOnlySpan<byte> Six => _six;

    public bool IsEmpty => _four.Length + _six.Length == 0;

    public uint NextTurn4() => Interlocked.Increment(ref _turn4) - 1;

    public uint NextTurn6() => Interlocked.Increment(ref _turn6) - 1;

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

    /// <summary>Those of both, of which any may be the first: a name that containers of several networks have.</summary>
    public AddressSet With(AddressSet other)
    {
        var turn = (uint)Random.Shared.Next(int.MaxValue / 2);
        return new AddressSet([.. _four, .. other._four], [.. _six, .. other._six]) { _turn4 = turn, _turn6 = turn };
    }

    private static byte[] Remove(byte[] all, byte[] one) => [.. all.Chunk(one.Length).Where(entry => !entry.AsSpan().SequenceEqual(one)).SelectMany(static entry => entry)];
}
