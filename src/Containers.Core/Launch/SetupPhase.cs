namespace Containers.Launch;

/// <summary>
/// The order in which a process is confined, first to last. A program that goes back to an earlier phase does not
/// compile: a label after the pivot, or a capability dropped after the filter, is how sandboxes were escaped.
/// </summary>
internal enum SetupPhase
{
    OpenSources,
    Isolate,
    JoinCgroup,
    JoinNamespaces,
    MapIds,
    BuildRoot,
    EnterRoot,
    Configure,
    Protect,
    StandardStreams,
    Limits,
    Label,
    BoundingSet,
    Groups,
    User,
    WorkingDirectory,
    Capabilities,
    NoNewPrivileges,
    Landlock,
    CloseDescriptors,
    Seccomp,
    HandOverListener,
    Execute,
}
