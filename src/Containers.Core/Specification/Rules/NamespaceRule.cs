namespace Containers.Specification.Rules;

/// <summary>
/// Settings that live in a namespace can be set only where the container has that namespace to itself: otherwise they
/// would change the host, or another container.
/// </summary>
internal static class NamespaceRule
{
    public static ContainerSpec Require(ContainerSpec spec, string parameter)
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

        return spec;
    }

    private static string Owner(NamespaceOption option) =>
        option.Mode == NamespaceMode.Host ? "the host" : "the container that owns the namespace";
}
