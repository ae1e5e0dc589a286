using System.Collections.Immutable;

namespace Containers.Specification.Rules;

/// <summary>Lists with keys that keep the order in which keys first came: the same job sees the same thing on every run.</summary>
internal static class KeyedValues
{
    public static ImmutableArray<KeyValuePair<string, string>> With(
        this ImmutableArray<KeyValuePair<string, string>> values, string key, string value) =>
        values.With(KeyValuePair.Create(key, value), static pair => pair.Key);

    /// <summary>The list with an item in the place of the one with the same key, or at the end.</summary>
    public static ImmutableArray<T> With<T>(this ImmutableArray<T> items, T item, Func<T, string> keyOf)
    {
        var key = keyOf(item);
        for (var i = 0; i < items.Length; i++)
        {
            if (string.Equals(keyOf(items[i]), key, StringComparison.Ordinal))
            {
                return items.SetItem(i, item);
            }
        }

        return items.Add(item);
    }
}
