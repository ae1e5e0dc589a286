using System.Collections.Immutable;
using System.Text;
using Containers.Interop;
using Containers.Launch;

namespace Containers.RootFilesystems;

/// <summary>A tmpfs root with the host's own programs bound read-only, and the few files of /etc that programs need.</summary>
internal sealed record HostRootFilesystem(ImmutableArray<string> ExtraPaths) : RootFilesystemSource
{
    private static readonly string[] Programs = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

    /// <summary>Nothing that names the host's users or holds its secrets: not /etc/passwd, not /etc/ssl with its keys.</summary>
    private static readonly string[] Configuration = ["/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime", "/etc/nsswitch.conf"];

    private const string Passwd = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
    private const string Group = "root:x:0:\nnogroup:x:65534:\n";

    public override RootPlan Plan()
    {
        var binds = ImmutableArray.CreateBuilder<HostBind>();
        var links = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>();
        foreach (var path in (IEnumerable<string>)[.. Programs, .. Configuration])
        {
            // On merged-usr systems /bin is a link into /usr, and stays one.
            if (new FileInfo(path).LinkTarget is { } target)
            {
                links.Add(new(path, target));
            }
            else
            {
                AddIfThere(binds, path);
            }
        }

        foreach (var path in ExtraPaths)
        {
            if (!AddIfThere(binds, path))
            {
                throw new ContainerException("use from the host", path, ErrnoNames.Last, "Every path given to ContainerBuilder.FromHost must exist.");
            }
        }

        return new HostRootPlan(binds.ToImmutable(), links.ToImmutable(), [new("/etc/passwd", Passwd), new("/etc/group", Group)]);
    }

    public override byte[] ReadFile(string path) => path switch
    {
        "/etc/passwd" => Encoding.ASCII.GetBytes(Passwd),
        "/etc/group" => Encoding.ASCII.GetBytes(Group),
        _ => [],
    };

    private static bool AddIfThere(ImmutableArray<HostBind>.Builder binds, string path)
    {
        if (!FileStatus.TryGet(path, out var status))
        {
            return false;
        }

        binds.Add(new HostBind(path, status.Kind == FileKind.Directory));
        return true;
    }
}
