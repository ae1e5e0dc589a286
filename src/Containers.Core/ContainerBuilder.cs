using System.Collections.Immutable;
using Containers.RootFilesystems;
using Containers.Specification;
using Containers.Specification.Rules;

namespace Containers;

/// <summary>
/// Describes a container. Immutable: every method returns a changed copy, so a prepared builder can be kept and shared
/// between threads. A value set again replaces the one before; variables, labels, ulimits, kernel settings and files
/// replace the one with the same name. Values that cannot be right throw at the call.
/// </summary>
public sealed partial class ContainerBuilder
{
    internal ContainerBuilder(ContainerSpec spec) => Spec = spec;

    internal ContainerSpec Spec { get; }

    /// <summary>
    /// A container with the host's own programs and no image: a root in memory into which the host's <c>/usr</c>, <c>/bin</c>,
    /// <c>/sbin</c> and <c>/lib*</c> and a minimal <c>/etc</c> are mounted read-only.
    /// </summary>
    /// <param name="extraPaths">Further absolute paths of the host, mounted read-only at the same place: <c>/opt/jdk</c>.</param>
    /// <exception cref="ArgumentException">
    /// A path is not absolute, is <c>/</c>, or is in <c>/proc</c>, <c>/sys</c> or <c>/dev</c>.
    /// </exception>
    public static ContainerBuilder FromHost(params string[] extraPaths)
    {
        ArgumentNullException.ThrowIfNull(extraPaths);
        var paths = ImmutableArray.CreateBuilder<string>(extraPaths.Length);
        foreach (var extra in extraPaths)
        {
            var path = ContainerPath.MountTarget(extra, nameof(extraPaths));
            if (ContainerPath.IsOnOrUnder(path, "/sys") || ContainerPath.IsOnOrUnder(path, "/dev"))
            {
                throw new ArgumentException(
                    $"{path} is the kernel's; the container has its own. Add devices with WithDevice.", nameof(extraPaths));
            }

            if (!paths.Contains(path))
            {
                paths.Add(path);
            }
        }

        return new ContainerBuilder(new ContainerSpec { Root = new HostRootFilesystem(paths.ToImmutable()) });
    }

    /// <summary>
    /// A container with a prepared tree as its root. Its files are never changed: what the container writes goes to a layer of
    /// its own.
    /// </summary>
    /// <param name="path">The directory on the host; a relative path is taken from the current directory now.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or not usable as a path.</exception>
    public static ContainerBuilder FromDirectory(string path) =>
        new(new ContainerSpec { Root = new DirectoryRootFilesystem(HostPath.Full(path, nameof(path))) });

    /// <summary>Names the container; an engine has one container of a name at a time.</summary>
    /// <param name="name">2 to 128 characters, <c>[a-zA-Z0-9][a-zA-Z0-9_.-]+</c> as with Docker.</param>
    /// <exception cref="ArgumentException"><paramref name="name"/> is no such name.</exception>
    public ContainerBuilder WithName(string name) => With(Spec with { Name = ContainerName.Require(name, nameof(name)) });

    /// <summary>Attaches a label: data for those who list containers, which the container itself does not see.</summary>
    /// <param name="name">The name, such as <c>com.example.job</c>.</param>
    /// <param name="value">The value; it may be empty.</param>
    /// <exception cref="ArgumentException"><paramref name="name"/> is empty, or one of them has a NUL character.</exception>
    public ContainerBuilder WithLabel(string name, string value) => With(Spec with
    {
        Labels = Spec.Labels.With(
            KernelText.RequireNotEmpty(name, nameof(name), "The label's name"), KernelText.Require(value, nameof(value))),
    });

    private static ContainerBuilder With(ContainerSpec spec) => new(spec);
}
