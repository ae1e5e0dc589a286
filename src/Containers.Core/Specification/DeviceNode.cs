namespace Containers.Specification;

/// <summary>A device of the host put into the container.</summary>
/// <param name="HostPath">The device file on the host.</param>
/// <param name="ContainerPath">Where it appears in the container.</param>
/// <param name="Access">Some of <c>rwm</c> in that order: read, write, make the node (the device cgroup's words).</param>
internal sealed record DeviceNode(string HostPath, string ContainerPath, string Access);
