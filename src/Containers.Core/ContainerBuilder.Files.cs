using System.Collections.Immutable;
using System.Text;
using Containers.Specification;
using Containers.Specification.Rules;
using Containers.Users;

namespace Containers;

// What the container sees in its file tree.
public sealed partial class ContainerBuilder
{
    private const UnixFileMode DefaultFileMode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>Makes the root read-only; mounts keep what they say themselves.</summary>
    public ContainerBuilder WithReadOnlyRoot() => With(NamespaceRule.Require(Spec with { ReadOnlyRoot = true }, null));

    /// <summary>
    /// Mounts something into the container. Mounts are made from the root downwards whatever the order of the calls, so one
    /// below another is never hidden by it.
    /// </summary>
    /// <param name="mount">The mount, from <see cref="Mount.Bind"/>, <see cref="Mount.Tmpfs"/> or <see cref="Mount.Overlay"/>.</param>
    /// <exception cref="ArgumentException">
    /// The mount's parts do not fit together, its target is <c>/</c> or under <c>/proc</c>, or something is there already.
    /// </exception>
    public ContainerBuilder WithMount(Mount mount)
    {
        ArgumentNullException.ThrowIfNull(mount);
        var added = mount.Checked(nameof(mount));
        RequireFree(added.Target, added.Describe(), nameof(mount));

        var place = 0;
        while (place < Spec.Mounts.Length && Depth(Spec.Mounts[place].Target) <= Depth(added.Target))
        {
            place++;
        }

        return With(NamespaceRule.Require(Spec with { Mounts = Spec.Mounts.Insert(place, added) }, nameof(mount)));
    }

    /// <summary>Gives the container a device of the host; all but the usual harmless ones are closed to it otherwise.</summary>
    /// <param name="hostPath">The device file on the host: <c>/dev/fuse</c>.</param>
    /// <param name="containerPath">Where it appears; the same path if null.</param>
    /// <param name="access">What is allowed: some of <c>r</c> read, <c>w</c> write and <c>m</c> make the node.</param>
    /// <exception cref="ArgumentException">
    /// A path is not absolute, something is there already, or <paramref name="access"/> has other letters.
    /// </exception>
    public ContainerBuilder WithDevice(string hostPath, string? containerPath = null, string access = "rwm")
    {
        var source = HostPath.Device(hostPath, nameof(hostPath));
        var place = containerPath is null ? nameof(hostPath) : nameof(containerPath);
        var target = ContainerPath.MountTarget(containerPath ?? source, place);
        var device = new DeviceNode(source, target, RequireAccess(access, nameof(access)));
        RequireFree(target, $"device {source} on {target}", place);
        return With(NamespaceRule.Require(Spec with { Devices = Spec.Devices.Add(device) }, nameof(hostPath)));
    }

    /// <summary>Puts a text file into the container before it starts, as UTF-8.</summary>
    /// <param name="path">The absolute path in the container; directories that are missing are made.</param>
    /// <param name="content">The text.</param>
    /// <param name="mode">The permissions; 0644 if null.</param>
    /// <param name="userId">The owner in the container.</param>
    /// <param name="groupId">The group in the container.</param>
    /// <exception cref="ArgumentException">
    /// <paramref name="path"/> is not absolute, is <c>/</c>, or is under <c>/proc</c> or <c>/sys</c>.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The mode has bits that are no permissions, or an id is above 2147483646.</exception>
    public ContainerBuilder WithFile(string path, string content, UnixFileMode? mode = null, uint userId = 0, uint groupId = 0)
    {
        ArgumentNullException.ThrowIfNull(content);
        return WithFileContent(path, Encoding.UTF8.GetBytes(content), mode, userId, groupId);
    }

    /// <summary>Puts a file into the container before it starts.</summary>
    /// <param name="path">The absolute path in the container; directories that are missing are made.</param>
    /// <param name="content">The bytes; they are copied.</param>
    /// <param name="mode">The permissions; 0644 if null.</param>
    /// <param name="userId">The owner in the container.</param>
    /// <param name="groupId">The group in the container.</param>
    /// <exception cref="ArgumentException">
    /// <paramref name="path"/> is not absolute, is <c>/</c>, or is under <c>/proc</c> or <c>/sys</c>.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The mode has bits that are no permissions, or an id is above 2147483646.</exception>
    public ContainerBuilder WithFile(
        string path, ReadOnlyMemory<byte> content, UnixFileMode? mode = null, uint userId = 0, uint groupId = 0) =>
        WithFileContent(path, content.ToArray(), mode, userId, groupId);

    /// <summary>
    /// Allows a root of the host that cannot be pivoted from, an initramfs: the container's root is then moved over it, and the
    /// host's files stay mounted underneath, out of reach by names only. Refused unless this is called.
    /// </summary>
    public ContainerBuilder WithMoveMountRoot() => With(Spec with { AllowMoveRoot = true });

    private ContainerBuilder WithFileContent(string path, byte[] content, UnixFileMode? mode, uint userId, uint groupId)
    {
        var target = ContainerPath.MountTarget(path, nameof(path));
        if (ContainerPath.IsOnOrUnder(target, "/sys"))
        {
            throw new ArgumentException($"{target} is in /sys, which is the kernel's own; choose a path elsewhere.", nameof(path));
        }

        var file = new InjectedFile(
            target,
            content,
            Permissions.Require(mode ?? DefaultFileMode, nameof(mode)),
            AccountId.Require(userId, nameof(userId)),
            AccountId.Require(groupId, nameof(groupId)));
        return With(NamespaceRule.Require(Spec with { Files = Spec.Files.With(file, static item => item.Path) }, nameof(path)));
    }

    private void RequireFree(string target, string what, string parameter)
    {
        foreach (var mount in Spec.Mounts)
        {
            RequireOther(mount.Target, mount.Describe());
        }

        foreach (var device in Spec.Devices)
        {
            RequireOther(device.ContainerPath, $"device {device.HostPath} on {device.ContainerPath}");
        }

        void RequireOther(string taken, string by)
        {
            if (string.Equals(taken, target, StringComparison.Ordinal))
            {
                throw new ArgumentException($"The {what} would hide the {by}; give each a target of its own.", parameter);
            }
        }
    }

    private static int Depth(string path) => path.AsSpan().Count('/');

    private static string RequireAccess(string access, string parameter)
    {
        ArgumentNullException.ThrowIfNull(access, parameter);
        var ordered = string.Concat(
            access.Contains('r', StringComparison.Ordinal) ? "r" : "",
            access.Contains('w', StringComparison.Ordinal) ? "w" : "",
            access.Contains('m', StringComparison.Ordinal) ? "m" : "");
        return ordered.Length > 0 && ordered.Length == access.Length
            ? ordered
            : throw new ArgumentException($"'{Printable.Shorten(access)}' is not an access: use r, w and m, each once at most.", parameter);
    }
}
