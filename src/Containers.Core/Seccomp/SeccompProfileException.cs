namespace Containers;

/// <summary>A seccomp profile that cannot be read; the message names the place in the JSON and what is allowed there.</summary>
public sealed class SeccompProfileException : FormatException
{
    /// <summary>Creates it without a message.</summary>
    public SeccompProfileException()
    {
    }

    /// <summary>Creates it.</summary>
    /// <param name="message">The place and what is wrong there.</param>
    public SeccompProfileException(string message)
        : base(message)
    {
    }

    /// <summary>Creates it.</summary>
    /// <param name="message">The place and what is wrong there.</param>
    /// <param name="innerException">What was found out first.</param>
    public SeccompProfileException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
