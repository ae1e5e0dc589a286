using Containers.Benchmarks.Processes;

namespace Containers.Benchmarks.Fixtures;

/// <summary>
/// An image of this machine's own files, four layers of 260 MB at most, in the order of their names: headers and documentation, which
/// are small files by the thousand, and libraries and programs, which are large ones. A second image has them twice, under another
/// path, and is of twice the size.
/// </summary>
internal sealed class MachineImage(PeerThread peers, string directory, string host)
{
    private const long LayerBytes = 260_000_000;
    private static readonly string[] Sources = ["include", "share", "lib", "bin"];

    public string Single { get; } = $"{host}/benchmark:single";

    public string Double { get; } = $"{host}/benchmark:double";

    /// <summary>Compressed bytes of the first image.</summary>
    public long Size { get; private set; }

    /// <summary>Files, links and directories in it.</summary>
    public int Entries { get; private set; }

    /// <summary>Makes and pushes both.</summary>
    public void Push()
    {
        string layout = Path.Combine(directory, "layout");
        peers.Require("umoci", "init", "--layout", layout);
        peers.Require("umoci", "new", "--image", $"{layout}:single");
        foreach (string source in Sources)
        {
            Entries += AddLayer(source, string.Empty, "--image", $"{layout}:single");
        }

        Push(layout, "single", Single);
        Size = new DirectoryInfo(Path.Combine(layout, "blobs", "sha256")).EnumerateFiles().Sum(static file => file.Length);
        string from = "single";
        foreach (string source in Sources)
        {
            AddLayer(source, "copy/", "--image", $"{layout}:{from}", "--tag", "double");
            from = "double";
        }

        Push(layout, "double", Double);
        Directory.Delete(layout, recursive: true);
    }

    private void Push(string layout, string tag, string reference) =>
        peers.Require("skopeo", "copy", "--quiet", "--insecure-policy", "--dest-tls-verify=false", $"oci:{layout}:{tag}", $"docker://{reference}");

    private int AddLayer(string source, string prefix, params string[] image)
    {
        string list = Path.Combine(directory, "layer.list");
        string tar = Path.Combine(directory, "layer.tar");
        var names = new List<string>();
        long rest = LayerBytes;
        Collect(new DirectoryInfo($"/usr/{source}"), string.Empty, names, ref rest);
        File.WriteAllText(list, string.Join('\0', names));
        peers.Require(
            "tar", "--create", "--file", tar, "--no-recursion", "--owner=0", "--group=0", "--transform", $"s,^,{prefix}usr/{source}/,S",
            "--directory", $"/usr/{source}", "--null", "--files-from", list);
        peers.Require(["umoci", "raw", "add-layer", .. image, tar]);
        File.Delete(tar);
        File.Delete(list);
        return names.Count;
    }

    private static void Collect(DirectoryInfo directory, string prefix, List<string> names, ref long rest)
    {
        foreach (FileSystemInfo entry in directory.GetFileSystemInfos().OrderBy(static entry => entry.Name, StringComparer.Ordinal))
        {
            rest -= entry is FileInfo { LinkTarget: null } file ? file.Length : 0;
            if (rest < 0)
            {
                return;
            }

            names.Add(prefix + entry.Name);
            if (entry is DirectoryInfo { LinkTarget: null } below)
            {
                Collect(below, $"{prefix}{entry.Name}/", names, ref rest);
            }
        }
    }
}
