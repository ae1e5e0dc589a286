using System.Collections.Immutable;
using Containers.Oci;
using Containers.Specification;
using Containers.Specification.Rules;

namespace Containers.Running;

/// <summary>
/// What an image says of its containers, under what their builder says, as <c>docker run</c> does it. An image is a stranger's word:
/// what the builder would refuse of its caller is refused of it.
/// </summary>
internal static class ImageDefaults
{
    /// <exception cref="ImageException">The image asks for what cannot be.</exception>
    public static ContainerSpec Apply(ContainerSpec spec, HeldImage image)
    {
        var config = image.Configuration.Config ?? new ContainerConfiguration();
        var entrypoint = spec.Entrypoint ?? NotEmpty(config.Entrypoint);

        // Whoever replaces the entrypoint gets none of the image's arguments for it.
        var command = spec.Command.IsEmpty && spec.Entrypoint is null ? config.Cmd ?? [] : spec.Command;
        if (entrypoint is null && command.IsEmpty)
        {
            throw new ImageException("run the image", image.Name, "It names no command: give one with WithCommand.");
        }

        try
        {
            return spec with
            {
                Entrypoint = entrypoint,
                Command = command,
                Environment = Environment(config, spec.Environment),
                User = spec.User ?? (string.IsNullOrEmpty(config.User) ? null : UserSpec.Parse(config.User, "User")),
                WorkingDirectory = spec.WorkingDirectory ?? (string.IsNullOrEmpty(config.WorkingDir) ? null : ContainerPath.Normalize(config.WorkingDir, "WorkingDir")),
                MakesWorkingDirectory = true,
                Volumes = [.. (config.Volumes?.Keys ?? []).Select(static path => ContainerPath.MountTarget(path, "Volumes")).Distinct(StringComparer.Ordinal)],
                Labels = Labels(config, spec.Labels),
                HealthCheck = spec.HealthCheck ?? ImageHealth.Of(config.Healthcheck),
                StopSignal = spec.StopSignal ?? (string.IsNullOrEmpty(config.StopSignal) ? null : SignalName.Parse(config.StopSignal)),
            };
        }
        catch (ArgumentException refused)
        {
            throw new ImageException("use the configuration of the image", image.Name, refused.Message, refused);
        }
    }

    private static ImmutableArray<string>? NotEmpty(ImmutableArray<string>? words) => words is { IsDefaultOrEmpty: false } ? words : null;

    private static ImmutableArray<KeyValuePair<string, string>> Environment(ContainerConfiguration config, ImmutableArray<KeyValuePair<string, string>> asked)
    {
        ImmutableArray<KeyValuePair<string, string>> variables = [];
        foreach (var variable in config.Env ?? [])
        {
            var end = variable.IndexOf('=', StringComparison.Ordinal);
            if (end > 0)
            {
                variables = variables.With(variable[..end], variable[(end + 1)..]);
            }
        }

        foreach (var (name, value) in asked)
        {
            variables = variables.With(name, value);
        }

        return variables;
    }

    private static ImmutableArray<KeyValuePair<string, string>> Labels(ContainerConfiguration config, ImmutableArray<KeyValuePair<string, string>> asked)
    {
        ImmutableArray<KeyValuePair<string, string>> labels = [.. config.Labels ?? ImmutableSortedDictionary<string, string>.Empty];
        foreach (var (name, value) in asked)
        {
            labels = labels.With(name, value);
        }

        return labels;
    }
}
