using Containers.Interop;

namespace Containers;

/// <summary>
/// Something with a network could not be done: an interface, an address, a route or a filter rule that the kernel refuses, or a pool of
/// addresses that is used up. <see cref="ContainerException.Step"/> says what was done, <see cref="ContainerException.Path"/> to which
/// interface, table, chain or pool.
/// </summary>
public sealed class NetworkException : ContainerException
{
    private readonly string? _message;

    /// <summary>Creates an exception with a message alone.</summary>
    /// <param name="message">What failed, on what, and what to do.</param>
    public NetworkException(string message)
        : base(message)
    {
    }

    /// <summary>Creates an exception with a message and its cause.</summary>
    /// <param name="message">What failed, on what, and what to do.</param>
    /// <param name="innerException">The cause.</param>
    public NetworkException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Where no system call refused: <paramref name="reason"/> says what is wrong with what was found or asked for.</summary>
    internal NetworkException(string step, string? subject, string reason, Exception? innerException = null)
        : base(step, subject, Errno.None, reason, innerException) =>
        _message = $"{Named(step, subject)}: {reason}";

    internal NetworkException(string step, string? subject, Errno errno, string? remedy = null)
        : base(step, subject, errno, remedy)
    {
    }

    /// <summary>What the kernel refused over netlink, with its own words where it found any.</summary>
    internal NetworkException(string step, string? subject, Errno errno, string? kernelMessage, string? attribute, string? remedy)
        : base(step, subject, errno, remedy)
    {
        KernelMessage = kernelMessage;
        Attribute = attribute;
        var said = kernelMessage is null ? string.Empty : $": \"{kernelMessage}\"";
        var about = attribute is null ? string.Empty : $", at {attribute}";
        _message = $"{Named(step, subject)}: {errno.Describe()}{said}{about}{(remedy is null ? string.Empty : ". " + remedy)}";
    }

    /// <inheritdoc/>
    public override string Message => _message ?? base.Message;

    /// <summary>What the kernel said about it (the extended acknowledgement of netlink(7)), where it said anything.</summary>
    public string? KernelMessage { get; }

    /// <summary>The part of the request that the kernel did not like, by the name of its netlink attribute, where it said which.</summary>
    public string? Attribute { get; }

    private static string Named(string step, string? subject) => subject is null ? step : $"{step} {subject}";
}
