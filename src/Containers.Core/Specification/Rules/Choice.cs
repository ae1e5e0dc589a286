namespace Containers.Specification.Rules;

/// <summary>Values of enumerations that came from outside: a cast can make any number one.</summary>
internal static class Choice
{
    public static T Require<T>(T value, string parameter)
        where T : struct, Enum => Enum.IsDefined(value)
            ? value
            : throw new ArgumentOutOfRangeException(parameter, value, $"Not a value of {typeof(T).Name}.");
}
