using Containers.Specification;

namespace Containers.Cgroups;

/// <summary>Writes limits, to each controller in its version; what is null stays as it is. Which processors comes from a group's parent too, and is not here.</summary>
internal static class GroupLimits
{
    public static void Write(ControllerGroups groups, ResourceLimits limits)
    {
        if (groups[CgroupController.Memory] is { } memory)
        {
            if (memory.IsV2)
            {
                V2.MemoryController.Apply(memory, limits);
            }
            else
            {
                V1.MemoryController.Apply(memory, limits);
            }
        }

        if (groups[CgroupController.Pids] is { } pids)
        {
            if (pids.IsV2)
            {
                V2.PidsController.Apply(pids, limits);
            }
            else
            {
                V1.PidsController.Apply(pids, limits);
            }
        }

        if (groups[CgroupController.Cpu] is { } cpu)
        {
            if (cpu.IsV2)
            {
                V2.CpuController.Apply(cpu, limits);
            }
            else
            {
                V1.CpuController.Apply(cpu, limits);
            }
        }

        if (groups[CgroupController.BlockIO] is { } blockIO)
        {
            if (blockIO.IsV2)
            {
                V2.BlockIOController.Apply(blockIO, limits.BlockIO);
            }
            else
            {
                V1.BlockIOController.Apply(blockIO, limits.BlockIO);
            }
        }
    }
}
