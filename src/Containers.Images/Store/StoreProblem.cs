namespace Containers.Store;

/// <summary>What kind of thing is wrong in a store.</summary>
internal enum StoreProblemKind
{
    /// <summary>The content is not what the digest in its name says.</summary>
    CorruptBlob,

    /// <summary>An image refers to content that is not there.</summary>
    MissingBlob,

    /// <summary>A layer of an image is neither unpacked nor there to be unpacked.</summary>
    MissingLayer,

    /// <summary>A tag's file is no tag.</summary>
    CorruptTag,

    /// <summary>A tag's image is not there.</summary>
    DanglingTag,

    /// <summary>A file that nothing here would have written.</summary>
    Unknown,
}

/// <summary>Something wrong in a store: what, where, and what was done about it.</summary>
internal sealed record StoreProblem(StoreProblemKind Kind, string Path, string Description)
{
    /// <summary>It was dropped or set aside, so that the next pull brings it again.</summary>
    public bool IsRepaired { get; init; }
}
