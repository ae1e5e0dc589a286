namespace Containers;

/// <summary>
/// The engine could not do what was asked: a step of setting up, controlling or cleaning up a container failed.
/// What a job does, even badly, is a <see cref="ContainerResult"/> and never this.
/// </summary>
public class ContainerException : Exception
{
    /// <summary>Creates an exception with a message alone.</summary>
    /// <param name="message">What failed, on what, and what to do.</param>
    public ContainerException(string message)
        : base(message)
    {
    }

    /// <summary>Creates an exception with a message and its cause.</summary>
    /// <param name="message">What failed, on what, and what to do.</param>
    /// <param name="innerException">The cause.</param>
    public ContainerException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    internal ContainerException(string step, string? path, Interop.Errno errno, string? remedy = null, Exception? innerException = null)
        : base(Compose(step, path, errno, remedy), innerException)
    {
        Step = step;
        Path = path;
        ErrorNumber = errno == Interop.Errno.None ? null : (int)errno;
        Remedy = remedy;
    }

    /// <summary>What the engine was doing, as the system call or the action: <c>mount proc</c>.</summary>
    public string? Step { get; }

    /// <summary>The path or name it was done to, where there is one.</summary>
    public string? Path { get; }

    /// <summary>The kernel's error number (<c>errno</c>), where the kernel refused.</summary>
    public int? ErrorNumber { get; }

    /// <summary>What to do about it, where that is known.</summary>
    public string? Remedy { get; }

    private static string Compose(string step, string? path, Interop.Errno errno, string? remedy)
    {
        var subject = path is null ? step : $"{step} {path}";
        var reason = errno == Interop.Errno.None ? string.Empty : ": " + Interop.ErrnoNames.Describe(errno);
        return remedy is null ? subject + reason : $"{subject}{reason}. {remedy}";
    }
}
