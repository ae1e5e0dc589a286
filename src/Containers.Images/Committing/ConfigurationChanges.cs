using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Containers.Oci;
using Containers.Running;
using Containers.Specification;
using Containers.Specification.Rules;

namespace Containers.Committing;

/// <summary>The configuration of a new image: another's, with what was asked for and one layer more.</summary>
internal static class ConfigurationChanges
{
    /// <summary>Applies them.</summary>
    /// <param name="configuration">Of the image below; with no layers where there is none.</param>
    /// <param name="options">What is asked for.</param>
    /// <param name="layer">The digest of the new layer, uncompressed; null where nothing but the configuration changes.</param>
    /// <exception cref="ArgumentException">What is asked for would be refused by whoever runs the image.</exception>
    public static ImageConfiguration Apply(ImageConfiguration configuration, CommitOptions options, Digest? layer)
    {
        Check(options);
        var config = configuration.Config ?? new ContainerConfiguration();
        return configuration with
        {
            Created = options.Created,
            Author = options.Author ?? configuration.Author,
            Config = config with
            {
                Entrypoint = options.Entrypoint is { } entrypoint ? [.. entrypoint] : config.Entrypoint,
                Cmd = options.Command is { } command ? [.. command] : options.Entrypoint is null ? config.Cmd : null,
                Env = Environment(config.Env ?? [], options.Environment),
                User = options.User ?? config.User,
                WorkingDir = options.WorkingDirectory ?? config.WorkingDir,
                Labels = options.Labels.Count == 0 ? config.Labels : (config.Labels ?? ImmutableSortedDictionary<string, string>.Empty).SetItems(options.Labels),
                Volumes = With(config.Volumes, options.Volumes),
                ExposedPorts = With(config.ExposedPorts, options.ExposedPorts.Select(static port => port.Contains('/', StringComparison.Ordinal) ? port : port + "/tcp")),
                StopSignal = options.StopSignal ?? config.StopSignal,
            },
            Rootfs = layer is { } added ? configuration.Rootfs with { DiffIds = configuration.Rootfs.DiffIds.Add(added.ToString()) } : configuration.Rootfs,
            History = (configuration.History ?? []).Add(new HistoryEntry
            {
                Created = options.Created,
                CreatedBy = "commit",
                Author = options.Author,
                Comment = options.Message,
                EmptyLayer = layer is null ? true : null,
            }),
        };
    }

    /// <summary>By the rules of the builder, so that what is committed can be run.</summary>
    private static void Check(CommitOptions options)
    {
        var builder = ContainerBuilder.FromHost();
        builder = options.Entrypoint is { Count: > 0 } entrypoint ? builder.WithEntrypoint([.. entrypoint]) : builder;
        builder = options.Command is { Count: > 0 } command ? builder.WithCommand([.. command]) : builder;
        builder = options.WorkingDirectory is { Length: > 0 } directory ? builder.WithWorkingDirectory(directory) : builder;
        builder = options.User is { Length: > 0 } user ? builder.WithUser(user) : builder;
        _ = builder.WithEnvironment(options.Environment);
        foreach (var volume in options.Volumes)
        {
            ContainerPath.MountTarget(volume, nameof(options));
        }

        if (options.StopSignal is { } signal)
        {
            SignalName.Parse(signal);
        }
    }

    private static ImmutableArray<string>? Environment(ImmutableArray<string> present, IReadOnlyDictionary<string, string> added)
    {
        foreach (var (name, value) in added.OrderBy(static variable => variable.Key, StringComparer.Ordinal))
        {
            present = present.With($"{name}={value}", static variable => variable.Split('=', 2)[0]);
        }

        return present.IsEmpty ? null : present;
    }

    private static ImmutableSortedDictionary<string, JsonObject>? With(ImmutableSortedDictionary<string, JsonObject>? present, IEnumerable<string> added)
    {
        foreach (var name in added)
        {
            present = (present ?? ImmutableSortedDictionary<string, JsonObject>.Empty).SetItem(name, []);
        }

        return present;
    }
}
