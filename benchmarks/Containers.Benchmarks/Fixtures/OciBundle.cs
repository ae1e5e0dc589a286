using System.Text.Json;

namespace Containers.Benchmarks.Fixtures;

/// <summary>
/// Writes the bundle crun and runc are given: what our container is asked for, in OCI's words. Their root is the plain directory,
/// with no overlay to mount; they have no seccomp filter and no /sys/fs/cgroup mount, as ours. Neither is made slower than it need be.
/// </summary>
internal static class OciBundle
{
    private static readonly string[] Capabilities =
    [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP",
        "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SYS_CHROOT", "CAP_MKNOD", "CAP_AUDIT_WRITE", "CAP_SETFCAP",
    ];

    private static readonly string[] MaskedPaths =
    [
        "/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
        "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
    ];

    private static readonly string[] ReadOnlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

    public static string Write(BusyboxRoot root, string name, bool timeNamespace, params ReadOnlySpan<string> command)
    {
        string directory = root.SubDirectory(name);
        using FileStream stream = File.Create(Path.Combine(directory, "config.json"));
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteString("ociVersion", "1.0.2");
        WriteProcess(json, command);
        json.WriteStartObject("root");
        json.WriteString("path", root.Path);
        json.WriteBoolean("readonly", value: false);
        json.WriteEndObject();
        json.WriteString("hostname", "benchmark");
        WriteMounts(json);
        json.WriteStartObject("linux");
        json.WriteString("cgroupsPath", $"/containers-benchmark-{Environment.ProcessId}-{name}");
        WriteResources(json);
        json.WriteStartArray("namespaces");
        foreach (string kind in (string[])["pid", "network", "ipc", "uts", "mount", "cgroup", "user"])
        {
            WriteNamespace(json, kind);
        }

        if (timeNamespace)
        {
            WriteNamespace(json, "time");
        }

        json.WriteEndArray();
        WriteStrings(json, "maskedPaths", MaskedPaths);
        WriteStrings(json, "readonlyPaths", ReadOnlyPaths);
        WriteMappings(json, "uidMappings");
        WriteMappings(json, "gidMappings");
        WriteSeccomp(json);
        json.WriteEndObject();
        json.WriteEndObject();
        return directory;
    }

    private static void WriteProcess(Utf8JsonWriter json, ReadOnlySpan<string> command)
    {
        json.WriteStartObject("process");
        json.WriteBoolean("terminal", value: false);
        json.WriteStartObject("user");
        json.WriteNumber("uid", 0);
        json.WriteNumber("gid", 0);
        json.WriteEndObject();
        WriteStrings(json, "args", command);
        WriteStrings(json, "env", ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]);
        json.WriteString("cwd", "/");
        json.WriteBoolean("noNewPrivileges", value: true);
        json.WriteStartObject("capabilities");
        foreach (string set in (string[])["bounding", "effective", "permitted"])
        {
            WriteStrings(json, set, Capabilities);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteMounts(Utf8JsonWriter json)
    {
        json.WriteStartArray("mounts");
        WriteMount(json, "/proc", "proc", "nosuid", "nodev", "noexec");
        WriteMount(json, "/dev", "tmpfs", "nosuid", "mode=755", "size=65536k");
        WriteMount(json, "/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5");
        WriteMount(json, "/dev/shm", "tmpfs", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k");
        WriteMount(json, "/dev/mqueue", "mqueue", "nosuid", "noexec", "nodev");
        WriteMount(json, "/sys", "sysfs", "nosuid", "noexec", "nodev", "ro");
        json.WriteEndArray();
    }

    private static void WriteMount(Utf8JsonWriter json, string destination, string type, params ReadOnlySpan<string> options)
    {
        json.WriteStartObject();
        json.WriteString("destination", destination);
        json.WriteString("type", type);
        json.WriteString("source", type);
        WriteStrings(json, "options", options);
        json.WriteEndObject();
    }

    private static void WriteResources(Utf8JsonWriter json)
    {
        // 100 MB, one CPU, 64 processes, and the default devices only, which both runtimes add to the denial.
        json.WriteStartObject("resources");
        json.WriteStartArray("devices");
        json.WriteStartObject();
        json.WriteBoolean("allow", value: false);
        json.WriteString("access", "rwm");
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteStartObject("memory");
        json.WriteNumber("limit", 100 * 1024 * 1024);
        json.WriteEndObject();
        json.WriteStartObject("cpu");
        json.WriteNumber("quota", 100_000);
        json.WriteNumber("period", 100_000);
        json.WriteEndObject();
        json.WriteStartObject("pids");
        json.WriteNumber("limit", 64);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteMappings(Utf8JsonWriter json, string name)
    {
        json.WriteStartArray(name);
        json.WriteStartObject();
        json.WriteNumber("containerID", 0);
        json.WriteNumber("hostID", 0x70000000);
        json.WriteNumber("size", 65536);
        json.WriteEndObject();
        json.WriteEndArray();
    }

    /// <summary>The default profile of the library, for the same capabilities, as the runtime specification writes it.</summary>
    private static void WriteSeccomp(Utf8JsonWriter json)
    {
        string[] comparisons = ["SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"];
        json.WriteStartObject("seccomp");
        json.WriteString("defaultAction", "SCMP_ACT_ERRNO");
        WriteStrings(json, "architectures", ["SCMP_ARCH_X86_64"]);
        json.WriteStartArray("syscalls");
        foreach (var rule in SeccompProfile.Default.Content.Rules.Where(static rule => rule.AppliesTo(SecurityProfile.Default.CapabilityMask, "amd64", Environment.OSVersion.Version)))
        {
            json.WriteStartObject();
            WriteStrings(json, "names", rule.Names.AsSpan());
            json.WriteString("action", rule.Action.IsError ? "SCMP_ACT_ERRNO" : "SCMP_ACT_ALLOW");
            if (rule.Action.IsError)
            {
                json.WriteNumber("errnoRet", rule.Action.Value & 0xffff);
            }

            json.WriteStartArray("args");
            foreach (var condition in rule.Conditions)
            {
                json.WriteStartObject();
                json.WriteNumber("index", condition.Index);
                json.WriteNumber("value", condition.Value);
                json.WriteNumber("valueTwo", condition.Masked);
                json.WriteString("op", comparisons[(int)condition.Comparison]);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteNamespace(Utf8JsonWriter json, string kind)
    {
        json.WriteStartObject();
        json.WriteString("type", kind);
        json.WriteEndObject();
    }

    private static void WriteStrings(Utf8JsonWriter json, string name, ReadOnlySpan<string> values)
    {
        json.WriteStartArray(name);
        foreach (string value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }
}
