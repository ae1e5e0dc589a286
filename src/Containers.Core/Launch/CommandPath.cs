using System.Collections.Immutable;

namespace Containers.Launch;

/// <summary>Where a command may be, as execvp(3) looks: never on the host, only as a list of paths for the container to try.</summary>
internal static class CommandPath
{
    public static ImmutableArray<string> Candidates(ImmutableArray<string> arguments, ImmutableArray<string> environment)
    {
        if (arguments.IsEmpty || arguments[0].Length == 0)
        {
            throw new ContainerException("There is no command to run. Give one with ContainerBuilder.WithCommand.");
        }

        var command = arguments[0];
        if (command.Contains('/', StringComparison.Ordinal))
        {
            return [command];
        }

        foreach (var variable in environment)
        {
            if (variable.StartsWith("PATH=", StringComparison.Ordinal))
            {
                var directories = variable["PATH=".Length..].Split(':', StringSplitOptions.RemoveEmptyEntries);
                return directories.Length == 0 ? [command] : [.. directories.Select(directory => $"{directory.TrimEnd('/')}/{command}")];
            }
        }

        return [command];
    }
}
