using Containers.Interop;
using Containers.Specification;

namespace Containers.Launch;

/// <summary>
/// What a container in a user namespace of its own takes from the host, opened while the program still has the host's rights: inside,
/// files of the host cannot be mapped to its ids, devices cannot be made, and a file owner is nobody.
/// </summary>
internal sealed class HostSources
{
    private readonly Dictionary<string, Cell> _trees = new(StringComparer.Ordinal);

    private HostSources()
    {
    }

    /// <summary>Nothing was opened before: every step opens what it needs.</summary>
    public static HostSources None { get; } = new();

    /// <summary>The tmpfs for /dev, with its devices.</summary>
    public Cell? Devices { get; private init; }

    /// <summary>The mount cloned from a path of the host.</summary>
    public Cell? Tree(string path) => _trees.TryGetValue(path, out var tree) ? tree : null;

    public static HostSources Open(ProgramBuilder program, LaunchContext context, JobStreams streams)
    {
        program.Enter(SetupPhase.OpenSources);
        var spec = context.Spec;
        var sources = new HostSources { Devices = DeviceSteps.Make(program, context) };
        switch (context.Root)
        {
            case OverlayRootPlan overlay:
                sources.OpenLower(program, context, overlay.Source);
                break;
            case HostRootPlan host:
                foreach (var bind in host.Binds)
                {
                    sources._trees[bind.Path] = RootSteps.OpenBind(program, context, bind);
                }

                break;
        }

        foreach (var mount in spec.Mounts)
        {
            if (mount.Kind == MountKind.Overlay)
            {
                sources.OpenLower(program, context, mount.Source!);
            }
        }

        StreamSteps.Give(program, context, streams);
        RaiseLimits(program, context);
        return sources;
    }

    private void OpenLower(ProgramBuilder program, LaunchContext context, string path)
    {
        MountCalls.Clone(program, path, out var tree);
        MountCalls.SetAttributes(program, tree, "map the ids of", path, MountCalls.Mapped(context), recursive: false);
        _trees[path] = tree;
    }

    /// <summary>Hard limits above this process's own need a capability that a user namespace does not give.</summary>
    private static void RaiseLimits(ProgramBuilder program, LaunchContext context)
    {
        foreach (var ulimit in context.Spec.Ulimits)
        {
            // Only raised here: a lower one would be in the way of the set-up itself.
            var own = DefaultLimits.Own(ulimit.Resource, ulimit.Name);
            if (ulimit.Hard > own.Hard)
            {
                IdentitySteps.SetLimit(program, own with { Hard = ulimit.Hard });
            }
        }
    }
}
