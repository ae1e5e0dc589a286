using System.Collections.Concurrent;
using System.Net;

namespace Containers.Names;

/// <summary>
/// The names of one network, and who may ask for them. Read without a lock and without a copy, at any time; what containers add and take
/// away is seen by the next query.
/// </summary>
internal sealed class NameZone
{
    private readonly Lock _gate = new();
    private readonly NameRegistry _registry;
    private readonly ConcurrentDictionary<string, AddressSet> _names = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<IPAddress, Member> _members = new(AddressComparer.Instance);
    private readonly ConcurrentDictionary<string, AddressSet>.AlternateLookup<ReadOnlySpan<char>> _byText;
    private readonly ConcurrentDictionary<IPAddress, Member>.AlternateLookup<ReadOnlySpan<byte>> _byAddress;

    internal NameZone(NameRegistry registry, string domain, IReadOnlyList<IPNetwork> subnets, bool isInternal)
    {
        _registry = registry;
        Domain = domain;
        Subnets = subnets;
        IsInternal = isInternal;
        _byText = _names.GetAlternateLookup<ReadOnlySpan<char>>();
        _byAddress = _members.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <summary>The network's name in lower case, which a container's may have behind it.</summary>
    public string Domain { get; }

    /// <summary>The addresses in it are nobody else's to ask for.</summary>
    public IReadOnlyList<IPNetwork> Subnets { get; }

    /// <summary>The network has no way out, and so its names have none.</summary>
    public bool IsInternal { get; }

    /// <summary>What whoever has an address sees; null: nobody that is known has it.</summary>
    /// <param name="asker">The four or sixteen bytes of the address.</param>
    public NameView? ViewOf(ReadOnlySpan<byte> asker) => _byAddress.TryGetValue(asker, out var member) ? member.Names.View : null;

    public AddressSet? Find(ReadOnlySpan<char> name) => _byText.TryGetValue(name, out var addresses) ? addresses : null;

    public byte[]? FindPointer(ReadOnlySpan<byte> address) => _byAddress.TryGetValue(address, out var member) ? member.Pointer : null;

    /// <summary>The network is gone, and its names with it.</summary>
    public void Remove() => _registry.Remove(this);

    internal void Add(ContainerNames container, IReadOnlyList<IPAddress> addresses, IReadOnlyList<string> names)
    {
        Span<byte> buffer = stackalloc byte[DomainName.MaximumSize];
        var full = $"{names[0]}.{Domain}";
        var pointer = buffer[..DomainName.Write(DomainName.IsValid(full) ? full : names[0], buffer)].ToArray();
        lock (_gate)
        {
            foreach (var address in addresses)
            {
                _members[address] = new Member(container, pointer);
                foreach (var name in names)
                {
                    _names[name] = _names.GetValueOrDefault(name, AddressSet.Empty).With(address);
                }
            }
        }
    }

    internal void Remove(IReadOnlyList<IPAddress> addresses, IReadOnlyList<string> names)
    {
        lock (_gate)
        {
            foreach (var address in addresses)
            {
                _members.TryRemove(address, out _);
                foreach (var name in names)
                {
                    var left = _names.GetValueOrDefault(name, AddressSet.Empty).Without(address);
                    if (left.IsEmpty)
                    {
                        _names.TryRemove(name, out _);
                    }
                    else
                    {
                        _names[name] = left;
                    }
                }
            }
        }
    }

    private sealed record Member(ContainerNames Names, byte[] Pointer);
}
