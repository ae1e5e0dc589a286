using System.Collections.Frozen;
using System.Globalization;

namespace Containers.Seccomp;

/// <summary>Names and numbers of the system calls of each machine, from the table that eng/syscalls.sh writes.</summary>
internal static class SystemCallTable
{
    /// <summary>Numbers from here on are ARM's own, apart from the common ones.</summary>
    private const int FirstPrivate = 0xf0000;

    private static readonly Lazy<FrozenDictionary<string, int[]>> Numbers = new(Read);
    private static readonly Lazy<FrozenDictionary<int, string>> NativeNames = new(static () =>
        Numbers.Value.Where(static entry => entry.Value[SeccompMachine.Native.Column] >= 0).ToFrozenDictionary(static entry => entry.Value[SeccompMachine.Native.Column], static entry => entry.Key));

    /// <summary>Whether any machine has a call of this name.</summary>
    public static bool IsKnown(string name) => Numbers.Value.ContainsKey(name);

    /// <summary>The number without x32's bit; null where the machine has no such call.</summary>
    public static int? NumberOf(string name, SeccompMachine machine) =>
        Numbers.Value.TryGetValue(name, out var numbers) && numbers[machine.Column] is >= 0 and var number ? number : null;

    /// <summary>The name of a call of this process's machine.</summary>
    public static string NameOf(int number) =>
        NativeNames.Value.TryGetValue(number, out var name) ? name : string.Create(CultureInfo.InvariantCulture, $"system call {number}");

    /// <summary>The highest number of those that all machines give out in one order.</summary>
    public static int Highest(SeccompMachine machine) => Numbers.Value.Values.Select(numbers => numbers[machine.Column]).Where(static number => number < FirstPrivate).Max();

    private static FrozenDictionary<string, int[]> Read()
    {
        using var stream = typeof(SystemCallTable).Assembly.GetManifestResourceStream("Containers.Seccomp.SystemCalls.txt")!;
        using var reader = new StreamReader(stream);
        var table = new Dictionary<string, int[]>(StringComparer.Ordinal);
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#'))
            {
                continue;
            }

            var fields = line.Split(' ');
            table.Add(fields[0], [.. fields.Skip(1).Select(static field => field == "-" ? -1 : (int)(uint.Parse(field, NumberStyles.None, CultureInfo.InvariantCulture) & ~SeccompMachine.X32Bit))]);
        }

        return table.ToFrozenDictionary(StringComparer.Ordinal);
    }
}
