using System.Runtime.CompilerServices;
using Containers.Interop;
using Containers.RootFilesystems;
using Containers.Tests.Fixtures;

[assembly: AssemblyFixture(typeof(Containers.Tests.Running.SharedImages))]

namespace Containers.Tests.Running;

/// <summary>One registry for all tests that do not stop it, and a layout with a small image that umoci made; each at first use.</summary>
public sealed class SharedImages : IAsyncDisposable
{
    internal const string BaseTag = "base";

    private readonly StrongBox<Task<DockerRegistry>?> _registry = new();
    private readonly Lazy<TemporaryDirectory> _base = new(MakeBase);
    private readonly Lazy<Task<string>> _debian;

    // In memory, where dpkg's many synchronizations cost nothing.
    private readonly Lazy<string> _scratch = new(static () => Directory.CreateDirectory($"/dev/shm/containers-debian-{Guid.NewGuid():N}").FullName);
    private int _next;

    /// <summary>Nothing is made yet.</summary>
    public SharedImages() => _debian = new Lazy<Task<string>>(PushDebianAsync);

    /// <summary>A layout with the tag <see cref="BaseTag"/>: busybox, its applets, /etc/passwd with ada, and /tmp. Copy it.</summary>
    internal string BaseLayout => _base.Value["layout"];

    /// <summary>The name of a Debian root with redis in it, in the registry.</summary>
    internal Task<string> DebianAsync() => _debian.Value;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_registry.Value is { } registry)
        {
            await (await registry).DisposeAsync();
        }

        if (_base.IsValueCreated)
        {
            _base.Value.Dispose();
        }

        if (_scratch.IsValueCreated)
        {
            DirectoryTree.Remove(_scratch.Value);
        }
    }

    internal Task<DockerRegistry> RegistryAsync()
    {
        Assert.SkipUnless(DockerRegistry.IsInstalled, DockerRegistry.Missing);
        lock (_registry)
        {
            return _registry.Value ??= DockerRegistry.StartAsync();
        }
    }

    /// <summary>A name in the registry that no other test has.</summary>
    internal async Task<string> NewNameAsync() => $"{(await RegistryAsync()).Host}/test{Interlocked.Increment(ref _next)}/app:1";

    internal static void RequireRoot() => Assert.SkipUnless(Libc.EffectiveUserId() == 0, "images with owners of their own need root");

    private static TemporaryDirectory MakeBase()
    {
        RequireRoot();
        Assert.SkipUnless(File.Exists(BusyboxRoot.Busybox), "busybox-static is not installed");
        var directory = new TemporaryDirectory();
        Tool.Run("umoci", "init", "--layout", directory["layout"]);
        Tool.Run("umoci", "new", "--image", $"{directory["layout"]}:{BaseTag}");
        var layout = new OciLayout(directory["layout"]);
        layout.AddLayer(BaseTag, BusyboxRoot.Make);
        layout.Configure(BaseTag, "--config.env", "PATH=/bin", "--config.cmd", "sh");
        return directory;
    }

    private async Task<string> PushDebianAsync()
    {
        var name = await NewNameAsync();
        var layout = _scratch.Value + "/debian";
        Tool.Run("umoci", "init", "--layout", layout);
        Tool.Run("umoci", "new", "--image", $"{layout}:debian");
        Tool.Run("umoci", "unpack", "--image", $"{layout}:debian", _scratch.Value + "/bundle");
        Tool.Run(
            "mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", "--include=redis-server", "--dpkgopt=path-exclude=/usr/share/doc/*", "bookworm", _scratch.Value + "/bundle/rootfs");
        Tool.Run("umoci", "repack", "--image", $"{layout}:debian", _scratch.Value + "/bundle");
        Tool.Run(
            "umoci", "config", "--image", $"{layout}:debian", "--config.user", "redis", "--config.volume", "/var/lib/redis", "--config.workingdir", "/var/lib/redis",
            "--config.cmd", "redis-server", "--config.cmd=--save", "--config.cmd=900 1", "--config.cmd=--dir", "--config.cmd=/var/lib/redis");
        DirectoryTree.Remove(_scratch.Value + "/bundle");
        new OciLayout(layout).Push("debian", name);
        return name;
    }
}
