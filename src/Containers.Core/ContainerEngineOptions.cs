using Microsoft.Extensions.Logging;

namespace Containers;

/// <summary>How an engine works.</summary>
public sealed class ContainerEngineOptions
{
    /// <summary>
    /// Where the engine keeps its lock and mount points; engines of several processes share it. Null: <c>/run/containers-net</c> as
    /// root, else <c>containers-net</c> in <c>XDG_RUNTIME_DIR</c>, else <c>/tmp/containers-net-UID</c>. It must belong to this user
    /// and be writable by nobody else.
    /// </summary>
    public string? StateDirectory { get; set; }

    /// <summary>Where the engine logs; nothing that a job writes is ever logged. Null: nowhere.</summary>
    public ILoggerFactory? LoggerFactory { get; set; }

    /// <summary>Options of further packages: one object a type.</summary>
    internal Dictionary<Type, object> Extensions { get; } = [];
}
