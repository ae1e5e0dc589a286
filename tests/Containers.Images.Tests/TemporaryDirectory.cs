using Containers.RootFilesystems;

namespace Containers.Tests;

/// <summary>A directory of its own for one test, removed with all that is in it.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("containers-images-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose() => DirectoryTree.Remove(Path);
}
