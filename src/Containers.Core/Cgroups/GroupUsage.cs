namespace Containers.Cgroups;

/// <summary>Reads what a container has used, from each controller in its version.</summary>
internal static class GroupUsage
{
    public static CgroupUsage Read(ControllerGroups groups, ControlGroup? unified, UsageDetail detail)
    {
        var usage = default(CgroupUsage);
        if (groups[CgroupController.Memory] is { } memory)
        {
            usage = memory.IsV2 ? V2.MemoryController.Read(memory, detail, usage) : V1.MemoryController.Read(memory, detail, usage);
        }

        if (groups[CgroupController.Pids] is { } pids)
        {
            usage = pids.IsV2 ? V2.PidsController.Read(pids, detail, usage) : V1.PidsController.Read(pids, detail, usage);
        }

        if (groups[CgroupController.Cpu] is { } cpu)
        {
            usage = cpu.IsV2 ? V2.CpuController.Read(cpu, usage) : V1.CpuController.Read(cpu, usage);
        }

        if (unified is not null)
        {
            usage = V2.CpuAccounting.Read(unified, usage);
        }
        else if (groups[CgroupController.CpuAccounting] is { } accounting)
        {
            usage = V1.CpuAccountingController.Read(accounting, usage);
        }

        if (groups[CgroupController.BlockIO] is { } blockIO)
        {
            usage = blockIO.IsV2 ? V2.BlockIOController.Read(blockIO, usage) : V1.BlockIOController.Read(blockIO, usage);
        }

        return usage;
    }
}
