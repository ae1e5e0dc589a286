namespace Containers;

/// <summary>
/// What an image is made to say of itself and of its containers. What is null stays as it is in the image the container was made of.
/// With the same content and the same options, the image has the same digest.
/// </summary>
public sealed record CommitOptions
{
    /// <summary>Who made it.</summary>
    public string? Author { get; init; }

    /// <summary>A note for its history.</summary>
    public string? Message { get; init; }

    /// <summary>When it was made; null: it does not say, so that the same content is the same image.</summary>
    public DateTimeOffset? Created { get; init; }

    /// <summary>Hold the container still meanwhile; null: where the host can.</summary>
    public bool? Pause { get; init; }

    /// <summary>How its new layer is compressed.</summary>
    public ImageLayerCompression Compression { get; init; } = ImageLayerCompression.Gzip;

    /// <summary>The program, and its first arguments; empty: none.</summary>
    public IReadOnlyList<string>? Entrypoint { get; init; }

    /// <summary>The command, or the further arguments of the entrypoint; empty: none.</summary>
    public IReadOnlyList<string>? Command { get; init; }

    /// <summary>Variables that are set, beside those the image has.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>The user, as <see cref="ContainerBuilder.WithUser(string)"/> takes it; empty: root.</summary>
    public string? User { get; init; }

    /// <summary>The directory it starts in.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>Labels that are set, beside those the image has.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>Directories that hold data, beside those the image has.</summary>
    public IReadOnlyList<string> Volumes { get; init; } = [];

    /// <summary>Ports, as <c>80/tcp</c>, beside those the image has.</summary>
    public IReadOnlyList<string> ExposedPorts { get; init; } = [];

    /// <summary>The signal that asks it to end, as <c>SIGTERM</c>.</summary>
    public string? StopSignal { get; init; }
}

/// <summary>How a layer is compressed.</summary>
public enum ImageLayerCompression
{
    /// <summary>gzip, which every engine reads.</summary>
    Gzip,

    /// <summary>zstd: smaller and faster, for engines of recent years.</summary>
    Zstd,

    /// <summary>Not at all.</summary>
    None,
}
