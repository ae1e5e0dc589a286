namespace Containers.Tests;

/// <summary>An empty directory of a test's own.</summary>
internal sealed class TestDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("containers-networking-test-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
