namespace Containers.RootFilesystems;

/// <summary>
/// Gives a container its root: what to mount, and the defaults for command, environment, user and working directory
/// that come with it. The seam other packages (images) plug into.
/// </summary>
internal abstract record RootFilesystemSource;

/// <summary>A tmpfs root with the host's own programs bound read-only.</summary>
internal sealed record HostRootFilesystem(System.Collections.Immutable.ImmutableArray<string> ExtraPaths) : RootFilesystemSource;

/// <summary>A prepared tree, the lower layer of an overlay; its files are never changed.</summary>
internal sealed record DirectoryRootFilesystem(string Path) : RootFilesystemSource;
