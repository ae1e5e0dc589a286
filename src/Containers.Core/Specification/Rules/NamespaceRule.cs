namespace Containers.Specification.Rules;

/// <summary>
/// Settings that live in a namespace can be set only where the container has that namespace to itself: otherwise they
/// would change the host, or another container.
/// </summary>
internal static class NamespaceRule
{
    public static ContainerSpec Require(ContainerSpec spec, string? parameter)
    {
        var name = spec.Hostname ?? spec.DomainName;
        if (name is not null && spec.Namespaces.Uts.Mode != NamespaceMode.Private)
        {
            throw new ArgumentException(
                $"The name {name} would rename {Owner(spec.Namespaces.Uts)}: set host and domain name only with a private Uts namespace.",
                parameter);
        }

        foreach (var (setting, _) in spec.Sysctls)
        {
            var kind = SysctlRule.NamespaceOf(setting);
            var option = kind == NamespaceKind.Network ? spec.Namespaces.Network : spec.Namespaces.Ipc;
            if (option.Mode != NamespaceMode.Private)
            {
                throw new ArgumentException(
                    $"{setting} would change {Owner(option)}: set it only with a private {kind} namespace.", parameter);
            }
        }

        return spec.Namespaces.Mount.Mode == NamespaceMode.Container && OfMounts(spec) is { } method
            ? throw new ArgumentException($"{method} changes mounts, which are those of the container that owns the namespace: leave it out, or leave the Mount namespace private.", parameter)
            : spec;
    }

    private static string? OfMounts(ContainerSpec spec) =>
        !spec.Mounts.IsEmpty ? nameof(ContainerBuilder.WithMount) :
        !spec.Files.IsEmpty ? nameof(ContainerBuilder.WithFile) :
        !spec.Devices.IsEmpty ? nameof(ContainerBuilder.WithDevice) :
        spec.Disk is not null ? nameof(ContainerBuilder.WithDisk) :
        spec.ReadOnlyRoot ? nameof(ContainerBuilder.WithReadOnlyRoot) : null;

    private static string Owner(NamespaceOption option) =>
        option.Mode == NamespaceMode.Host ? "the host" : "the container that owns the namespace";
}
