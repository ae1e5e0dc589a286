namespace Containers.Tests.Running;

/// <summary>Images in an OCI layout that umoci changes and skopeo pushes.</summary>
internal sealed class OciLayout(string path)
{
    public string Path => path;

    /// <summary>A copy of a layout.</summary>
    public static OciLayout Copy(string from, string to)
    {
        Tool.Run("cp", "-a", from, to);
        return new OciLayout(to);
    }

    /// <summary>Unpacks the image, lets the root be changed, and packs what changed as another layer.</summary>
    public void AddLayer(string tag, Action<string> change)
    {
        var bundle = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(path)!, "bundle-" + Guid.NewGuid().ToString("N"));
        Tool.Run("umoci", "unpack", "--image", $"{path}:{tag}", bundle);
        change(bundle + "/rootfs");
        Tool.Run("umoci", "repack", "--image", $"{path}:{tag}", bundle);
        RootFilesystems.DirectoryTree.Remove(bundle);
    }

    public void Configure(string tag, params string[] options) => Tool.Run("umoci", ["config", "--image", $"{path}:{tag}", .. options]);

    /// <summary>Pushes it with skopeo to a registry without TLS.</summary>
    public void Push(string tag, string name, params string[] options) =>
        Tool.Run("skopeo", ["copy", "--quiet", "--dest-tls-verify=false", .. options, $"oci:{path}:{tag}", "docker://" + name]);

    /// <summary>What umoci makes of it: the path of the root.</summary>
    public string Unpack(string tag, string bundle)
    {
        Tool.Run("umoci", "unpack", "--image", $"{path}:{tag}", bundle);
        return bundle + "/rootfs";
    }
}
