namespace Containers.Layers;

/// <summary>What becomes of devices in a layer. A container's devices are the engine's to give, and a layer's could be of the host's disks.</summary>
internal enum DeviceNodes
{
    /// <summary>They are left out and counted: some old images carry a filled /dev, which the container's own covers.</summary>
    Skip,

    /// <summary>A layer that has one is refused.</summary>
    Refuse,
}
