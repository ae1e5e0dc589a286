using System.Collections.Immutable;

namespace Containers.Specification.Rules;

/// <summary>A program and its arguments, as execve(2) takes them.</summary>
internal static class CommandWords
{
    /// <exception cref="ArgumentException">There is none, or one is no argument of a program.</exception>
    public static ImmutableArray<string> Require(string[] words, string parameter)
    {
        ArgumentNullException.ThrowIfNull(words, parameter);
        if (words.Length == 0)
        {
            throw new ArgumentException("Give the program at least.", parameter);
        }

        foreach (var word in words)
        {
            KernelText.RequireArgument(word, parameter);
        }

        return [.. words];
    }

    /// <exception cref="ArgumentException">As <see cref="Require"/>, or the first is empty.</exception>
    /// <param name="words">The words.</param>
    /// <param name="parameter">The caller's.</param>
    /// <param name="what">What they are: <c>entrypoint</c>.</param>
    public static ImmutableArray<string> RequireProgram(string[] words, string parameter, string what) =>
        Require(words, parameter) is [not "", ..] program ? program : throw new ArgumentException($"The {what}'s first word is the program; it is empty.", parameter);
}
