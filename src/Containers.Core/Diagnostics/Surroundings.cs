using Containers.Launch;

namespace Containers.Diagnostics;

/// <summary>Whether this process is in a sandbox of somebody else's, such as Docker's or Kubernetes', and which of its walls are in the way.</summary>
internal static class Surroundings
{
    private const string Remedy =
        "Containers inside containers need these walls lowered: with Docker --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined " +
        "--cap-add SYS_ADMIN (or --privileged), in Kubernetes a privileged securityContext. Where that is not to be had, ContainerBuilder.WithoutNamespaces() asks for the weaker kind that needs none.";

    public static HostFeature Describe(HostFacts facts)
    {
        var walls = new List<string>();
        if (Marker() is { } marker)
        {
            walls.Add($"a container ({marker})");
        }

        if (File.ReadLines("/proc/self/status").Any(static line => line is "Seccomp:\t2"))
        {
            walls.Add("a filter of system calls");
        }

        if (!facts.IsRootless && (facts.Capabilities & (1UL << (int)Capability.SysAdmin)) == 0)
        {
            walls.Add("root without CAP_SYS_ADMIN");
        }

        if (File.ReadLines("/proc/self/mountinfo").Select(static line => line.Split(' ')[4]).Any(static point => point is "/proc/kcore" or "/proc/keys" or "/proc/sys"))
        {
            walls.Add("covered parts of /proc, which keep user namespaces from mounting their own");
        }

        return walls.Count == 0
            ? new HostFeature("no outer sandbox", true, "nothing of another container is around this process")
            : new HostFeature("no outer sandbox", false, "around this process: " + string.Join(", ", walls), Remedy);
    }

    /// <summary>What Docker, podman and Kubernetes leave for programs to see.</summary>
    private static string? Marker() =>
        File.Exists("/.dockerenv") ? "/.dockerenv" :
        File.Exists("/run/.containerenv") ? "/run/.containerenv" :
        Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST") is not null ? "KUBERNETES_SERVICE_HOST" : null;
}
