using Containers.Interop;

namespace Containers.Launch;

/// <summary>
/// What a running container's host keeps of it, taken before user code runs: later the job could have changed what its
/// processes' /proc entries lead to (CVE-2016-9962 and the PID reuse class).
/// </summary>
internal static class HandoverSteps
{
    /// <summary>The order in which the namespaces arrive; mount last, because joining it changes every path.</summary>
    public static readonly (NamespaceKind Kind, string Name)[] Namespaces =
    [
        (NamespaceKind.Cgroup, "cgroup"), (NamespaceKind.Uts, "uts"), (NamespaceKind.Ipc, "ipc"), (NamespaceKind.Network, "net"),
        (NamespaceKind.Pid, "pid"), (NamespaceKind.Time, "time"), (NamespaceKind.Mount, "mnt"),
    ];

    /// <summary>
    /// Sends, in this order: the namespaces and the pts instance of a container that can be joined, the writable layer where it is
    /// watched or kept, the terminal's master.
    /// </summary>
    public static void Append(ProgramBuilder program, LaunchContext context, Cell proc, Argument pts, Cell? layer, Cell? terminal)
    {
        var handed = new List<Argument>();
        if (context.Interactive)
        {
            foreach (var (_, name) in Namespaces)
            {
                var path = "self/ns/" + name;
                var fd = program.NewCell();
                program.Call(SystemCall.OpenAt, "open", "/proc/" + path, proc, program.Text(path), Libc.OpenReadOnly | Libc.OpenCloseOnExec, 0).Into(fd);
                handed.Add(fd);
            }

            handed.Add(pts);
        }

        if (context.HandsLayerOver)
        {
            handed.Add(layer!.Value);
        }

        if (terminal is { } master)
        {
            handed.Add(master);
        }

        if (handed.Count > 0)
        {
            AppendMessage(program, context, handed.ToArray());
        }
    }

    /// <summary>Sends the terminal of an exec, which hands nothing else over.</summary>
    public static void AppendMessage(ProgramBuilder program, LaunchContext context, ReadOnlySpan<Argument> descriptors) =>
        GuardianProgram.AppendMessage(program, LauncherMessageKind.Handover, context.LaunchId, descriptors);

    /// <summary>How many descriptors <see cref="Append"/> sends.</summary>
    public static int Count(LaunchContext context) =>
        (context.Interactive ? Namespaces.Length + 1 : 0) + (context.HandsLayerOver ? 1 : 0) + (context.Spec.Terminal is null ? 0 : 1);

    /// <summary>Says what is what among the descriptors that <see cref="Append"/> sent.</summary>
    public static HandedOver Sort(LaunchContext context, IReadOnlyList<FileDescriptor> descriptors)
    {
        var next = 0;
        FileDescriptor Take() => descriptors[next++];
        var namespaces = new Dictionary<NamespaceKind, FileDescriptor>(context.Interactive ? Namespaces.Length : 0);
        FileDescriptor? terminals = null;
        if (context.Interactive)
        {
            foreach (var (kind, _) in Namespaces)
            {
                namespaces.Add(kind, Take());
            }

            terminals = Take();
        }

        var layer = context.HandsLayerOver ? Take() : null;
        return new HandedOver(namespaces, terminals, layer, context.Spec.Terminal is null ? null : Take());
    }
}

/// <summary>What the host keeps of a running container.</summary>
/// <param name="Namespaces">Its namespaces, where it can be joined.</param>
/// <param name="Terminals">Its pts instance, where it can be joined.</param>
/// <param name="Layer">Its writable layer, where it is watched or kept.</param>
/// <param name="Terminal">The master of its terminal, where it has one. Owned by whoever takes it.</param>
internal sealed record HandedOver(
    IReadOnlyDictionary<NamespaceKind, FileDescriptor> Namespaces, FileDescriptor? Terminals, FileDescriptor? Layer, FileDescriptor? Terminal) : IDisposable
{
    /// <summary>The writable layer stays open after everything else of the container is gone.</summary>
    public bool KeepLayer { get; set; }

    public void Dispose()
    {
        foreach (var descriptor in Namespaces.Values)
        {
            descriptor.Dispose();
        }

        Terminals?.Dispose();
        if (!KeepLayer)
        {
            Layer?.Dispose();
        }

        Terminal?.Dispose();
    }
}
