using System.Diagnostics;

namespace Containers.Security.Tests;

/// <summary>CVE-2026-47262 and its kin: the accounts of a root are read by the host before anything is confined.</summary>
[Collection(WholeHost.Name)]
public sealed class AccountFileTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("containers-accounts-").FullName;

    public AccountFileTests()
    {
        Directory.CreateDirectory(_root + "/bin");
        Directory.CreateDirectory(_root + "/etc");
        File.Copy(Job.BusyboxDirectory + "/bin/busybox", _root + "/bin/busybox");
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("passwd", "fifo")]
    [InlineData("passwd", "socket")]
    [InlineData("passwd", "directory")]
    [InlineData("passwd", "sparse")]
    [InlineData("passwd", "line")]
    [InlineData("passwd", "zero")]
    [InlineData("passwd", "kmsg")]
    [InlineData("passwd", "device")]
    [InlineData("passwd", "loop")]
    [InlineData("group", "sparse")]
    [InlineData("group", "line")]
    [InlineData("group", "fifo")]
    public async Task AnyFile_TakesLittleTimeAndMemory(string name, string kind)
    {
        var path = $"{_root}/etc/{name}";
        switch (kind)
        {
            case "fifo":
                await RunAsync("mkfifo", path);
                break;
            case "device":
                Assert.SkipUnless(Environment.IsPrivilegedProcess, "an ordinary user makes no device");
                await RunAsync("mknod", path, "c", "1", "5");
                break;
            case "socket":
                using (var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified))
                {
                    socket.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(path));
                }

                break;
            case "directory":
                Directory.CreateDirectory(path);
                break;
            case "sparse":
                await using (var file = File.Create(path))
                {
                    file.SetLength(10L << 30);
                }

                break;
            case "line":
                await using (var file = File.Create(path))
                {
                    var block = new byte[1 << 20];
                    block.AsSpan().Fill((byte)'a');
                    for (var i = 0; i < 100; i++)
                    {
                        await file.WriteAsync(block, Job.Token);
                    }
                }

                break;
            default:
                File.CreateSymbolicLink(path, kind switch { "zero" => "/dev/zero", "kmsg" => "/proc/kmsg", _ => name });
                break;
        }

        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        var started = Stopwatch.GetTimestamp();
        var job = ContainerBuilder.FromDirectory(_root).WithCommand("/bin/busybox", "true");
        var refused = await Job.FailureOf(name == "passwd" ? job.WithUser("ada") : job.WithUser("1000:staff"));

        Assert.NotNull(refused.Path);
        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(2));
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - allocated, 0, 32 << 20);
    }

    private static async Task RunAsync(params string[] arguments)
    {
        using var process = Process.Start("/bin/busybox", arguments);
        await process.WaitForExitAsync(Job.Token);
        Assert.Equal(0, process.ExitCode);
    }
}
