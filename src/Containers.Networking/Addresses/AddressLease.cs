using System.Net;

namespace Containers.Addresses;

/// <summary>An address that is the holder's until this is disposed, or the process ends.</summary>
internal sealed class AddressLease : IDisposable
{
    private readonly AddressAllocator _allocator;
    private readonly long _offset;
    private bool _returned;

    internal AddressLease(AddressAllocator allocator, IPAddress address, long offset)
    {
        _allocator = allocator;
        Address = address;
        _offset = offset;
    }

    public IPAddress Address { get; }

    public void Dispose()
    {
        if (!Interlocked.Exchange(ref _returned, true))
        {
            _allocator.Return(_offset);
        }
    }
}
