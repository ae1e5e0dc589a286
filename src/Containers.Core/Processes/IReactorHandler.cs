using Containers.Interop;

namespace Containers.Processes;

/// <summary>What waits for a descriptor. Both members run on the reactor thread, so they never block and do a bounded piece of work.</summary>
internal interface IReactorHandler
{
    /// <summary>The descriptor is ready. Triggering is by level: what is left undone is reported again, after the others had their turn.</summary>
    public void OnReady(EpollEvents events);

    /// <summary>No event will come any more: this handler threw, or the reactor ended.</summary>
    public void OnAbandoned(Exception reason)
    {
    }
}
