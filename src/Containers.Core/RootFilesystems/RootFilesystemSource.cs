using Containers.Launch;

namespace Containers.RootFilesystems;

/// <summary>
/// Gives a container its root: what to mount, and files of it that must be read before it starts. The seam other packages
/// (images) plug into.
/// </summary>
internal abstract record RootFilesystemSource
{
    /// <summary>The largest file of a root that is read before a container starts.</summary>
    public const int MaxFileBytes = Users.UserResolver.MaxFileBytes;

    /// <summary>How the root is put together.</summary>
    /// <exception cref="ContainerException">What it is made of is not there.</exception>
    public abstract RootPlan Plan();

    /// <summary>A regular file of the root, resolved inside it; empty where there is none.</summary>
    /// <exception cref="ContainerException">It is too large, or not a regular file.</exception>
    public abstract byte[] ReadFile(string path);
}
