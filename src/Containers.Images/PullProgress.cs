namespace Containers;

/// <summary>How far a pull or a push has come with one layer, and with all.</summary>
/// <param name="Layer">The digest of the layer's blob.</param>
/// <param name="Stage">What is done with it.</param>
/// <param name="Bytes">Bytes of it, compressed, that have come or gone.</param>
/// <param name="Size">Its compressed size in bytes.</param>
/// <param name="TotalBytes">Bytes of all layers that have come or gone.</param>
/// <param name="TotalSize">The compressed size of all layers that are to be transferred, in bytes.</param>
public readonly record struct PullProgress(string Layer, PullStage Stage, long Bytes, long Size, long TotalBytes, long TotalSize);

/// <summary>What is done with a layer.</summary>
public enum PullStage
{
    /// <summary>It is there already.</summary>
    Exists,

    /// <summary>It is fetched, and unpacked while it comes; or it is sent.</summary>
    Transferring,

    /// <summary>It was there packed, and is unpacked.</summary>
    Unpacking,

    /// <summary>It is done.</summary>
    Complete,
}
