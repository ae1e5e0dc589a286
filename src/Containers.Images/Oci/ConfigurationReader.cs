using System.Collections.Immutable;
using System.Text.Json;
using Containers.Specification.Rules;

namespace Containers.Oci;

/// <summary>Reads the configuration of an image, which is a stranger's word like the manifest that names it.</summary>
internal static class ConfigurationReader
{
    private const string Step = "read the image's configuration";
    private const string LayersType = "layers";

    /// <summary>Reads the configuration that belongs to <paramref name="manifest"/>.</summary>
    /// <param name="bytes">The document as it was received.</param>
    /// <param name="manifest">Names its digest and size, and how many layers there are.</param>
    /// <param name="subject">The image's reference or digest, for messages.</param>
    /// <exception cref="ImageException">A rule is broken.</exception>
    public static ImageConfiguration Read(ReadOnlyMemory<byte> bytes, ImageManifest manifest, string subject)
    {
        ManifestReader.Identify(bytes.Span, subject, manifest.Config);
        var configuration = Read(bytes, subject);
        var layers = configuration.Rootfs.DiffIds.Length;
        return layers == manifest.Layers.Length
            ? configuration
            : throw new ImageException(Step, subject, $"It describes {layers} layers where the manifest has {manifest.Layers.Length}.");
    }

    /// <summary>Reads a configuration by itself, as in a file that <c>docker save</c> wrote.</summary>
    /// <exception cref="ImageException">A rule is broken.</exception>
    public static ImageConfiguration Read(ReadOnlyMemory<byte> bytes, string subject)
    {
        if (bytes.Length > DocumentLimits.MaxDocument)
        {
            throw new ImageException(Step, subject, $"It has more than {DocumentLimits.MaxDocument} bytes.");
        }

        ImageConfiguration configuration;
        try
        {
            configuration = JsonSerializer.Deserialize(bytes.Span, OciJson.Default.ImageConfiguration) ?? throw new JsonException("It is null.");
        }
        catch (JsonException malformed)
        {
            throw ManifestReader.Malformed(Step, subject, malformed);
        }

        CheckLayers(configuration.Rootfs, subject);
        if (configuration.Config is { } container)
        {
            CheckContainer(container, subject);
        }

        return configuration;
    }

    private static void CheckLayers(LayerIdentities layers, string subject)
    {
        // A type left out is null, whatever the declaration says: generated code sets init-only properties that are absent, too.
        if (layers.Type != LayersType)
        {
            throw new ImageException(Step, subject, $"Its root file system is of the type {Printable.Shorten(layers.Type ?? "none")}; only \"{LayersType}\" is known.");
        }

        if (layers.DiffIds.Length > DocumentLimits.MaxLayers)
        {
            throw new ImageException(Step, subject, $"It describes {layers.DiffIds.Length} layers; at most {DocumentLimits.MaxLayers} can be stacked.");
        }

        foreach (var identity in layers.DiffIds)
        {
            if (!Digest.TryParse(identity, out _))
            {
                throw new ImageException(Step, subject, $"The digest of an unpacked layer is none: {Printable.Shorten(identity ?? "null")}.");
            }
        }
    }

    /// <summary>What ends up in calls to the kernel has an end there: a NUL would cut it, and mean another thing to us than to the kernel.</summary>
    private static void CheckContainer(ContainerConfiguration container, string subject)
    {
        CheckTexts(container.Entrypoint, "Entrypoint", subject);
        CheckTexts(container.Cmd, "Cmd", subject);
        CheckTexts(container.Env, "Env", subject);
        CheckTexts(container.Healthcheck?.Test, "Healthcheck", subject);
        CheckText(container.User, "User", subject);
        CheckText(container.WorkingDir, "WorkingDir", subject);
        CheckText(container.StopSignal, "StopSignal", subject);
        foreach (var volume in container.Volumes?.Keys ?? [])
        {
            CheckText(volume, "Volumes", subject);
        }

        if (container.Labels?.Values.Any(static value => value is null) == true)
        {
            throw new ImageException(Step, subject, "A label has no value.");
        }

        long environment = 0;
        foreach (var variable in container.Env ?? [])
        {
            environment += System.Text.Encoding.UTF8.GetByteCount(variable) + 1;
            if (variable.StartsWith('='))
            {
                throw new ImageException(Step, subject, "A variable of its environment has no name.");
            }
        }

        if (environment > DocumentLimits.MaxEnvironment)
        {
            throw new ImageException(Step, subject, $"Its environment has {environment} bytes; at most {DocumentLimits.MaxEnvironment} are passed on.");
        }
    }

    private static void CheckTexts(ImmutableArray<string>? texts, string field, string subject)
    {
        foreach (var text in texts ?? [])
        {
            CheckText(text ?? throw new ImageException(Step, subject, $"{field} has a null in it."), field, subject);
        }
    }

    private static void CheckText(string? text, string field, string subject)
    {
        if (text?.Contains('\0', StringComparison.Ordinal) == true)
        {
            throw new ImageException(Step, subject, $"{field} has a NUL character in it.");
        }
    }
}
