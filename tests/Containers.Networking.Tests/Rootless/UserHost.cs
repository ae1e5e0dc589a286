using System.Diagnostics;
using System.Globalization;
using System.Net;
using Containers.Interop;
using Containers.Netlink;
using Containers.Rtnetlink;

namespace Containers.Tests.Rootless;

/// <summary>
/// A host that a test makes, with a way to one other machine and none further, on which the user nobody runs an application with containers
/// (tests/Hosts/NetworkHost).
/// </summary>
internal sealed class UserHost : IDisposable
{
    private const string Nobody = "65534";

    private readonly TestNamespace _space = TestNamespace.Create();
    private readonly string _folder;
    private readonly string _dotnet;
    private int _engines;

    public UserHost()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/pasta"), "passt is not installed");
        _folder = Directory.CreateTempSubdirectory("containers-user-host-").FullName;
        File.SetUnixFileMode(_folder, (UnixFileMode)0x1FF);
        foreach (var file in Directory.GetFiles(AppContext.BaseDirectory).Where(static file => Path.GetExtension(file) is ".dll" or ".json" or ""))
        {
            File.Copy(file, Path.Combine(_folder, Path.GetFileName(file)));
        }

        _dotnet = Path.GetDirectoryName(Path.GetDirectoryName(Path.GetDirectoryName(Path.GetDirectoryName(typeof(object).Assembly.Location))))!;
        _space.Route.Links.SetUp(_space.Route.Links.Get("lo").Index);

        // As distributions have it; pasta pings as any user may.
        KernelSettings.Write(_space.Namespace, ("ipv4/ping_group_range", "0 2147483647"));
        Outside = Machine.Create(_space);
        var cable = _space.Route.Links.Get(Outside.Cable).Index;
        _space.Route.Routes.Add(Route.Default(Outside.Address, cable));
        _space.Route.Routes.Add(Route.Default(Outside.Address6, cable));
        _space.Route.Addresses.Add(new InterfaceAddress(1, Further, 32));
        Resolver(Outside.Address);
    }

    public TestNamespace Space => _space;

    /// <summary>The other machine.</summary>
    public Machine Outside { get; }

    /// <summary>One more address of the host, on no network that others see.</summary>
    public static IPAddress Further { get; } = IPAddress.Parse("10.9.9.9");

    /// <summary>What the host's resolv.conf says.</summary>
    public void Resolver(IPAddress address) => File.WriteAllText(_folder + "/resolv.conf", $"nameserver {address}\nsearch example.test\n");

    /// <summary>Starts an application; <see cref="Process.Id"/> is its own.</summary>
    public Process Start(string work)
    {
        var state = string.Create(CultureInfo.InvariantCulture, $"{_folder}/state{++_engines}");

        // Mounts of its own: the device as distributions have it, whatever this machine's is, and the host's resolv.conf.
        const string Script =
            "mount -t tmpfs tmpfs /dev/net && mknod -m 666 /dev/net/tun c 10 200 && mount --bind \"$1/resolv.conf\" /etc/resolv.conf && shift && exec \"$@\"";
        var start = new ProcessStartInfo("/usr/bin/nsenter",
        [
            $"--net=/proc/{Environment.ProcessId}/fd/{_space.Namespace.Descriptor.Number}", "/usr/bin/unshare", "--mount", "/bin/sh", "-c", Script, "sh", _folder,
            "/usr/bin/setpriv", "--reuid", Nobody, "--regid", Nobody, "--clear-groups", "--reset-env",
            "/usr/bin/env", $"DOTNET_ROOT={_dotnet}", $"HOME={_folder}", Path.Combine(_folder, "NetworkHost"), state, work,
        ])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        return Process.Start(start)!;
    }

    /// <summary>Runs one to its end, and returns the lines it wrote.</summary>
    public async Task<string[]> RunAsync(string work)
    {
        using var process = Start(work);
        process.StandardInput.Close();
        var output = await process.StandardOutput.ReadToEndAsync(Box.Token);
        await process.WaitForExitAsync(Box.Token);
        Assert.True(process.ExitCode == 0, $"{work}: {process.ExitCode} {output}");
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>The processes that nobody has in this host's network.</summary>
    public IReadOnlyList<string> Processes()
    {
        var here = FileStatus.TryGet(_space.Namespace.Descriptor, out var status) ? status.Inode : 0;
        var found = new List<string>();
        foreach (var directory in Directory.EnumerateDirectories("/proc").Where(static path => int.TryParse(Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out _)))
        {
            try
            {
                if (new FileInfo(directory + "/ns/net").LinkTarget == $"net:[{here}]" && File.ReadLines(directory + "/status").Any(static line => line.StartsWith("Uid:\t65534", StringComparison.Ordinal)))
                {
                    found.Add(File.ReadAllText(directory + "/comm").Trim());
                }
            }
            catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
            {
            }
        }

        return found;
    }

    public void Dispose()
    {
        Outside.Dispose();
        _space.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
