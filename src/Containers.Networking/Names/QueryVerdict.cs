namespace Containers.Names;

/// <summary>What becomes of a message.</summary>
internal enum QueryVerdict
{
    /// <summary>Nothing: it is no query.</summary>
    Ignore,

    /// <summary>The answer that was written.</summary>
    Reply,

    /// <summary>It is for the host's resolvers.</summary>
    Forward,
}
