namespace Containers;

/// <summary>How images are fetched and stored.</summary>
public sealed class ImageStoreOptions
{
    /// <summary>
    /// Where images are; all processes of a user share them. Null: <c>/var/lib/containers-net/images</c> as root, else
    /// <c>containers-net/images</c> in <c>XDG_DATA_HOME</c> or <c>~/.local/share</c>. It must be this user's alone (mode 0700).
    /// </summary>
    public string? Directory { get; set; }

    /// <summary>How registries are reached.</summary>
    public RegistryOptions Registries { get; set; } = new();

    /// <summary>
    /// How many layers are fetched and unpacked at once; 3 unless set, as with Docker. With .NET's usual garbage collector a pull of any size
    /// then takes some 100 MB of memory, and up to twice that where its concurrent mode is off.
    /// </summary>
    public int ParallelLayers { get; set; } = 3;

    /// <summary>How much a layer may ask.</summary>
    internal Layers.LayerLimits Limits { get; set; } = Layers.LayerLimits.Default;

    internal string ResolveDirectory()
    {
        if (Directory is not null)
        {
            return Path.GetFullPath(Directory);
        }

        if (Interop.Libc.EffectiveUserId() == 0)
        {
            return "/var/lib/containers-net/images";
        }

        var data = Environment.GetEnvironmentVariable("XDG_DATA_HOME");
        return Path.Combine(
            Path.IsPathFullyQualified(data ?? string.Empty) ? data! : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local/share"),
            "containers-net/images");
    }
}
