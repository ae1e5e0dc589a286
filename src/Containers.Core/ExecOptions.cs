namespace Containers;

/// <summary>How a command runs in a container that already runs; what is not set is as the container's own.</summary>
public sealed record ExecOptions
{
    /// <summary>The user, as <see cref="ContainerBuilder.WithUser(string)"/>.</summary>
    public string? User { get; init; }

    /// <summary>The absolute working directory.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>Variables on top of the container's.</summary>
    public IEnumerable<KeyValuePair<string, string>>? Environment { get; init; }

    /// <summary>What the command reads; null: nothing.</summary>
    public Stream? StandardInput { get; init; }

    /// <summary>How long it may take on the clock; null: as long as it likes.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>How much of each output is kept; null: as the container's.</summary>
    public ByteSize? OutputLimit { get; init; }

    /// <summary>What happens past <see cref="OutputLimit"/>.</summary>
    public OutputOverflow OutputOverflow { get; init; }

    /// <summary>The size of a terminal of its own; null: no terminal.</summary>
    public TerminalSize? Terminal { get; init; }
}
