using Containers.Interop;
using Containers.RootFilesystems;
using Containers.Tar;

namespace Containers.Layers;

/// <summary>The names in a directory, as bytes with their NUL, in their order: what is made of them is the same every time.</summary>
internal static class SortedNames
{
    /// <exception cref="ImageException">It cannot be read, or has more than <paramref name="most"/>.</exception>
    public static List<byte[]> Read(FileDescriptor directory, ReadOnlySpan<byte> path, int most)
    {
        var names = new List<byte[]>();
        if (!DirectoryNames.TryRead(directory, names, most))
        {
            throw new ImageException("read the directory", RawText.Show(path), ErrnoNames.Last);
        }

        if (names.Count > most)
        {
            throw LayerLimits.Exceeded(nameof(LayerLimits.Entries), most);
        }

        names.Sort(static (a, b) => a.AsSpan().SequenceCompareTo(b));
        return names;
    }
}
