using System.Text;
using Containers.Interop;
using Containers.Launch;
using Containers.Processes;
using Containers.UserNetworks;

namespace Containers.Rootless;

/// <summary>The way out of one container: pasta(1), with an interface in the container's network and sockets in the host's.</summary>
internal sealed class PastaLink : IAsyncDisposable
{
    /// <summary>The interface inside.</summary>
    public const string Interface = "eth0";

    private const int LongestComplaint = 4096;
    private const int PatienceMilliseconds = 10_000;

    private readonly CompanionProcess _process;
    private readonly FileDescriptor _ready;
    private readonly FileDescriptor _complaints;

    private PastaLink(CompanionProcess process, FileDescriptor ready, FileDescriptor complaints) => (_process, _ready, _complaints) = (process, ready, complaints);

    /// <summary>Completes when it has ended, which it does not by itself.</summary>
    public Task Ended => _process.Ended;

    /// <summary>Starts it; <see cref="WaitUntilReady"/> follows.</summary>
    /// <param name="guardian">The container's.</param>
    /// <param name="networkNamespace">The container's; borrowed.</param>
    /// <param name="names">What queries for names are sent to inside, for the host's resolver to get them; null: nothing.</param>
    /// <exception cref="ContainerException">It cannot be started.</exception>
    public static PastaLink Start(Guardian guardian, FileDescriptor networkNamespace, System.Net.IPAddress? names)
    {
        var path = PastaProgram.Find() ?? throw new NetworkException("find the program", "pasta", Errno.ENOENT, "Install the package passt.");
        var complaints = NewComplaints();
        var pipe = JobPipe.ForOutput();
        try
        {
            using (pipe.JobEnd)
            {
                return new PastaLink(CompanionProcess.Start(guardian, [path, .. Options(names)], networkNamespace, pipe.JobEnd, complaints), pipe.HostEnd, complaints);
            }
        }
        catch
        {
            pipe.HostEnd.Dispose();
            complaints.Dispose();
            throw;
        }
    }

    /// <summary>Returns once the interface is there and works.</summary>
    /// <exception cref="NetworkException">It has ended, or does not come so far; the message is what it said.</exception>
    public unsafe void WaitUntilReady()
    {
        const short PollIn = 1;
        var polled = new Libc.PollEntry { Descriptor = _ready.Number, Events = PollIn };
        int found;
        while ((found = Libc.Poll(&polled, 1, PatienceMilliseconds)) < 0 && ErrnoNames.Last == Errno.EINTR)
        {
        }

        var written = stackalloc byte[32];
        if (found > 0 && Libc.Read(_ready, written, 32) > 0)
        {
            return;
        }

        var said = ReadComplaints();
        if (found > 0)
        {
            // That it could not even be executed is a better reason.
            _process.Ended.Wait(PatienceMilliseconds);
        }

        throw new NetworkException("start the way out of the container", PastaProgram.Find(),
            found == 0 ? $"pasta was not ready after {PatienceMilliseconds / 1000} seconds. {said}" : said.Length > 0 ? said : "pasta ended at once and did not say why.");
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync().ConfigureAwait(false);
        _ready.Dispose();
        _complaints.Dispose();
    }

    /// <summary>
    /// The first three descriptors are all it keeps of what it was started with, so those are what it is given: the namespace, a pipe that it
    /// writes its number to when the interface is there, and where it complains. Nothing is forwarded inwards, and nothing to the host's
    /// loopback: neither ports of the host (-T, -U) nor the gateway's address, which it would take for the host otherwise.
    /// </summary>
    private static IEnumerable<string> Options(System.Net.IPAddress? names) =>
    [
        "--foreground", "--quiet", "--stderr", "--config-net", "--ns-ifname", Interface, "--netns", "/proc/self/fd/0", "--no-netns-quit", "--pid", "/proc/self/fd/1",
        "--tcp-ports", "none", "--udp-ports", "none", "--tcp-ns", "none", "--udp-ns", "none", "--no-map-gw", "--no-dhcp", "--no-dhcpv6", "--no-ra",
        .. names is null ? (string[])[] : ["--dns-forward", names.ToString()],
    ];

    /// <summary>Memory of a size that stays: what complains without end must neither fill this host's memory nor wait for a reader.</summary>
    private static FileDescriptor NewComplaints()
    {
        var memory = Libc.MemfdCreate("pasta", Libc.MemfdCloseOnExec | Libc.MemfdAllowSealing);
        if (memory.IsInvalid || Libc.SetLength(memory, LongestComplaint) != 0 || Libc.Fcntl(memory, Libc.FcntlAddSeals, Libc.SealGrow | Libc.SealSeal) != 0)
        {
            var errno = ErrnoNames.Last;
            memory.Dispose();
            throw new NetworkException("make room for what the program complains of,", "pasta", errno);
        }

        return memory;
    }

    private unsafe string ReadComplaints()
    {
        Span<byte> text = stackalloc byte[LongestComplaint];
        fixed (byte* start = text)
        {
            var length = Math.Max(0, (int)Libc.ReadAt(_complaints, start, LongestComplaint, 0));
            var end = text[..length].IndexOf((byte)0);
            var lines = Encoding.UTF8.GetString(text[..(end < 0 ? length : end)]).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

            // It cannot reach the system's log from where it is, and says so each time.
            var own = lines.Where(static line => !line.Contains("syslog", StringComparison.Ordinal));
            return string.Join("; ", own);
        }
    }
}
