using Containers.Benchmarks.Processes;

namespace Containers.Benchmarks.Fixtures;

/// <summary>A program of this machine in another root, with the libraries that it needs.</summary>
internal static class ProgramCopy
{
    public static void Add(PeerThread peers, string root, string program)
    {
        string path = ProgramPath.Find(program) ?? throw new BenchmarkException($"{program}: not found; install the package of that name");
        string[] libraries = [.. peers.Require("ldd", path).Split((char[])[' ', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries).Where(static word => word[0] == '/')];
        foreach (string file in libraries.Append(path))
        {
            string copy = Path.Join(root, file);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy, overwrite: true);
        }
    }
}
