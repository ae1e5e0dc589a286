using Containers.RootFilesystems;

namespace Containers.Tests.RootFilesystems;

public sealed class DirectoryTreeTests
{
    [Fact]
    public void ATreeDeeperThanAnyPath_IsRemoved()
    {
        var top = Directory.CreateTempSubdirectory("containers-tree-").FullName;
        Directory.CreateDirectory(top + "/0");
        for (var depth = 1; depth < 5000; depth++)
        {
            // Each new directory takes in all that was before.
            Directory.CreateDirectory($"{top}/{depth}");
            Directory.Move($"{top}/{depth - 1}", $"{top}/{depth}/below");
        }

        DirectoryTree.Remove(top);

        Assert.False(Directory.Exists(top));
    }

    [Fact]
    public void ALinkOut_IsNotFollowed()
    {
        var kept = Directory.CreateTempSubdirectory("containers-kept-").FullName;
        var top = Directory.CreateTempSubdirectory("containers-tree-").FullName;
        File.WriteAllText(kept + "/file", "kept");
        Directory.CreateDirectory(top + "/a/b/c");
        Directory.CreateSymbolicLink(top + "/link", kept);
        Directory.CreateSymbolicLink(top + "/a/b/c/link", kept);
        File.CreateSymbolicLink(top + "/a/b/lifted-0", kept + "/file");
        try
        {
            DirectoryTree.Remove(top);

            Assert.False(Directory.Exists(top));
            Assert.Equal("kept", File.ReadAllText(kept + "/file"));
        }
        finally
        {
            Directory.Delete(kept, recursive: true);
        }
    }

    [Fact]
    public void WhatIsNotThere_IsNoError_AndAFileIs()
    {
        var path = Path.Combine(Path.GetTempPath(), "containers-none-" + Guid.NewGuid().ToString("N"));
        DirectoryTree.Remove(path);
        File.WriteAllText(path, "x");
        try
        {
            Assert.Contains("ENOTDIR", Assert.Throws<ContainerException>(() => DirectoryTree.Remove(path)).Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
