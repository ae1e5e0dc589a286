using Containers.Interop;

namespace Containers;

/// <summary>
/// Something with an image could not be done: a reference that cannot be right, a registry that refuses, content that is not what its
/// digest says, a store that is full. <see cref="ContainerException.Step"/> says what was done and <see cref="ContainerException.Path"/> to what.
/// </summary>
public sealed class ImageException : ContainerException
{
    /// <summary>Creates an exception with a message alone.</summary>
    /// <param name="message">What failed, on what, and what to do.</param>
    public ImageException(string message)
        : base(message)
    {
    }

    /// <summary>Creates an exception with a message and its cause.</summary>
    /// <param name="message">What failed, on what, and what to do.</param>
    /// <param name="innerException">The cause.</param>
    public ImageException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Where no system call refused: <paramref name="reason"/> says what is wrong with what was found.</summary>
    internal ImageException(string step, string? path, string reason, Exception? innerException = null)
        : base(step, path, Errno.None, reason, innerException)
    {
    }

    internal ImageException(string step, string? path, Errno errno, string? remedy = null)
        : base(step, path, errno, remedy)
    {
    }
}
