using System.Globalization;

namespace Containers;

/// <summary>Which ids of the host a container's users are (user_namespaces(7)).</summary>
public sealed record UserNamespace
{
    private UserNamespace(UserNamespaceChoice choice, uint first = 0, uint count = 0)
    {
        Choice = choice;
        First = first;
        Count = count;
    }

    /// <summary>
    /// A user namespace with ids that no one else has, wherever the kernel can map the files of the root and of the mounts to them;
    /// the host's ids where it cannot, which is logged. The default.
    /// </summary>
    public static UserNamespace Automatic { get; } = new(UserNamespaceChoice.Automatic);

    /// <summary>
    /// A user namespace with 65536 ids of its own; the start fails where that cannot be had. An ordinary user's containers are in the one
    /// of their engine, which they share: what that user has are the ids inside.
    /// </summary>
    public static UserNamespace Private { get; } = new(UserNamespaceChoice.Private);

    /// <summary>No user namespace of the container's own: its root is root of the engine's.</summary>
    public static UserNamespace Host { get; } = new(UserNamespaceChoice.Host);

    /// <summary>
    /// For the engine of an ordinary user: a user namespace in which that user has the ids that it has outside, and which the command runs
    /// as unless <see cref="ContainerBuilder.WithUser(string)"/> names another. Without subordinate ids (subuid(5)) it is the only user
    /// inside. Containers of one engine share the namespace; files that the engine makes in them belong to the user. The
    /// start fails where root runs the engine, whose id inside is 0 anyway.
    /// </summary>
    public static UserNamespace KeepId { get; } = new(UserNamespaceChoice.KeepId);

    internal UserNamespaceChoice Choice { get; }

    internal uint First { get; }

    internal uint Count { get; }

    /// <summary>
    /// A user namespace in which ids from 0 on are these of the host. Nothing is done to keep others from using them: choose what
    /// nobody has.
    /// </summary>
    /// <param name="firstId">The host's user and group id that is 0 inside; above 0.</param>
    /// <param name="count">How many ids; 65536 is what images expect.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is empty, begins at 0 or ends above 4294967294.</exception>
    public static UserNamespace Range(uint firstId, uint count)
    {
        ArgumentOutOfRangeException.ThrowIfZero(firstId);
        ArgumentOutOfRangeException.ThrowIfZero(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, uint.MaxValue - firstId, nameof(count));
        return new UserNamespace(UserNamespaceChoice.Range, firstId, count);
    }

    /// <summary>The choice, as text.</summary>
    public override string ToString() => Choice == UserNamespaceChoice.Range
        ? string.Create(CultureInfo.InvariantCulture, $"Range({First}, {Count})")
        : Choice.ToString();
}

internal enum UserNamespaceChoice
{
    Automatic,
    Private,
    Host,
    Range,
    KeepId,
}
