using Containers.Oci;
using Containers.Pulling;
using Containers.Running;

namespace Containers;

/// <summary>What an image is, and what it says of its containers.</summary>
public sealed record ImageInfo
{
    /// <summary>The digest of its configuration: what Docker calls the image's id.</summary>
    public required string Id { get; init; }

    /// <summary>The digest of its manifest.</summary>
    public required string Digest { get; init; }

    /// <summary>The digest of what its names mean: the manifest, or the index that has it.</summary>
    public required string TargetDigest { get; init; }

    /// <summary>Its names in this store.</summary>
    public required IReadOnlyList<string> Names { get; init; }

    /// <summary>What it runs on.</summary>
    public required ImagePlatform Platform { get; init; }

    /// <summary>When it was made, where it says so.</summary>
    public DateTimeOffset? Created { get; init; }

    /// <summary>Who made it, where it says so.</summary>
    public string? Author { get; init; }

    /// <summary>Bytes of its layers as they are transferred.</summary>
    public required long Size { get; init; }

    /// <summary>The digests of its layers uncompressed, lowest first.</summary>
    public required IReadOnlyList<string> Layers { get; init; }

    /// <summary>The program, and its first arguments.</summary>
    public IReadOnlyList<string> Entrypoint { get; init; } = [];

    /// <summary>The command, or the further arguments of the entrypoint.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];

    /// <summary>Variables as <c>NAME=value</c>.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];

    /// <summary>The user, as <see cref="ContainerBuilder.WithUser(string)"/> takes it; null: root.</summary>
    public string? User { get; init; }

    /// <summary>The directory it starts in; null: the root.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>Directories that hold data, and no part of the image.</summary>
    public IReadOnlyList<string> Volumes { get; init; } = [];

    /// <summary>Ports it listens on, as <c>80/tcp</c>.</summary>
    public IReadOnlyList<string> ExposedPorts { get; init; } = [];

    /// <summary>Its labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>The signal that asks it to end, as the image writes it; null: SIGTERM.</summary>
    public string? StopSignal { get; init; }

    /// <summary>How to find out whether it works, with Docker's defaults for what it leaves out; null where it does not say.</summary>
    public HealthCheck? HealthCheck { get; init; }

    internal static ImageInfo Of(InstalledImage image, IReadOnlyList<string> names)
    {
        var configuration = image.Configuration;
        var config = configuration.Config ?? new ContainerConfiguration();
        return new ImageInfo
        {
            Id = image.Manifest.Config.Digest,
            Digest = image.Document.Digest.ToString(),
            TargetDigest = image.Target.Digest,
            Names = names,
            Platform = ImagePlatform.From(configuration.Os, configuration.Architecture, configuration.Variant)!,
            Created = configuration.Created,
            Author = configuration.Author,
            Size = image.Manifest.Layers.Sum(static layer => layer.Size),
            Layers = configuration.Rootfs.DiffIds,
            Entrypoint = config.Entrypoint ?? [],
            Command = config.Cmd ?? [],
            Environment = config.Env ?? [],
            User = config.User,
            WorkingDirectory = config.WorkingDir,
            Volumes = [.. config.Volumes?.Keys ?? []],
            ExposedPorts = [.. config.ExposedPorts?.Keys ?? []],
            Labels = config.Labels ?? (IReadOnlyDictionary<string, string>)new Dictionary<string, string>(),
            StopSignal = config.StopSignal,
            HealthCheck = ImageHealth.Of(config.Healthcheck),
        };
    }
}
