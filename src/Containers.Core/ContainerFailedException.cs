namespace Containers;

/// <summary>A job did not succeed, and <see cref="ContainerResult.EnsureSuccess"/> was called.</summary>
public sealed class ContainerFailedException : Exception
{
    private const int QuotedLines = 5;
    private const int QuotedCharacters = 1000;

    /// <summary>Creates it for a result.</summary>
    /// <param name="result">How the job ended.</param>
    public ContainerFailedException(ContainerResult result)
        : base(Describe(result)) => Result = result;

    /// <summary>How the job ended.</summary>
    public ContainerResult Result { get; }

    private static string Describe(ContainerResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var error = result.StandardError.Text.TrimEnd();
        if (error.Length == 0)
        {
            return $"The job did not succeed: {result}.";
        }

        var tail = string.Join('\n', error.Split('\n').TakeLast(QuotedLines));
        tail = tail.Length > QuotedCharacters ? tail[^QuotedCharacters..] : tail;
        return $"The job did not succeed: {result}. Its standard error ends with:\n{tail}";
    }
}
