using System.Globalization;
using System.Text;
using Containers.Interop;

namespace Containers.Launch;

/// <summary>What lives in the container's own namespaces besides mounts: names, loopback, sysctls, the OOM score.</summary>
internal static class ConfigurationSteps
{
    private const int SocketDatagram = 2;
    private const int AddressFamilyInet = 2;
    private const int SetInterfaceFlags = 0x8914;

    /// <summary>IFF_UP | IFF_RUNNING (linux/if.h)</summary>
    private const ushort InterfaceUpAndRunning = 0x41;

    public static void SetNames(ProgramBuilder program, string hostname, string? domainName)
    {
        program.Call(SystemCall.SetHostName, "set host name", hostname, program.Text(hostname), Encoding.UTF8.GetByteCount(hostname));
        if (domainName is not null)
        {
            program.Call(SystemCall.SetDomainName, "set domain name", domainName, program.Text(domainName), Encoding.UTF8.GetByteCount(domainName));
        }
    }

    /// <summary>Sets lo up in a new network namespace, and nothing else: struct ifreq with the name and the flags.</summary>
    public static void BringLoopbackUp(ProgramBuilder program)
    {
        Span<byte> request = stackalloc byte[40];
        request.Clear();
        "lo"u8.CopyTo(request);
        BitConverter.TryWriteBytes(request[16..], InterfaceUpAndRunning);
        var socket = program.NewCell();
        program.Call(SystemCall.Socket, "open a socket for", "lo", AddressFamilyInet, SocketDatagram | Libc.SocketCloseOnExec, 0).Into(socket);
        program.Call(SystemCall.Ioctl, "set up", "lo", socket, SetInterfaceFlags, program.Bytes(request));
        program.Call(SystemCall.Close, "close the socket for", "lo", socket);
    }

    public static void SetSysctls(ProgramBuilder program, LaunchContext context, Cell proc)
    {
        foreach (var (name, value) in context.Spec.Sysctls)
        {
            ProcSteps.WriteFile(program, proc, "sys/" + name.Replace('.', '/'), value);
        }
    }

    /// <summary>By the host's own procfs, where this process is itself whatever PID namespace it is in; what it clones inherits it.</summary>
    public static void SetOomScore(ProgramBuilder program, LaunchContext context)
    {
        // A host that the kernel is to spare has no such jobs: of a group that may use no more memory, it could kill none.
        if ((context.Spec.OomScoreAdjustment ?? (context.SparesHost ? 0 : null)) is not { } adjustment)
        {
            return;
        }

        // The files of a non-dumpable process belong to the host's root. No process of a container can see this one yet.
        if (context.Rootless)
        {
            program.Call(SystemCall.Prctl, "become dumpable", null, Linux.PrSetDumpable, 1);
        }

        GuardianProgram.WriteFile(program, "/proc/self/oom_score_adj", adjustment.ToString(CultureInfo.InvariantCulture));
        if (context.Rootless)
        {
            program.Call(SystemCall.Prctl, "become non-dumpable", null, Linux.PrSetDumpable, 0);
        }
    }
}
