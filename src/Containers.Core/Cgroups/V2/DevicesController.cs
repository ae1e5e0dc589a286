using Containers.Cgroups.Devices;
using Containers.Interop;

namespace Containers.Cgroups.V2;

/// <summary>Device rules on cgroup v2: one program a rule set, loaded once and attached to each container's group.</summary>
internal static class DevicesController
{
    public static void Apply(ControlGroup group, FileDescriptor directory, FileDescriptor program) =>
        DeviceProgram.Attach(program, directory, group.Path);
}
