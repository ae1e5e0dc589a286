using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Containers.Launch;

namespace Containers.Seccomp;

/// <summary>Reads the JSON of profiles: the runtime specification's <c>linux.seccomp</c> and the form that Docker and podman add to it.</summary>
internal sealed class SeccompReader
{
    private const int MaxBytes = 4 << 20;
    private const int MaxDepth = 16;
    private const int MaxRules = 4096;
    private const int MaxNames = 65536;

    private static readonly string[] Comparisons =
        ["SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"];

    private static readonly (string Name, uint Flag)[] Flags =
        [("SECCOMP_FILTER_FLAG_TSYNC", 0), ("SECCOMP_FILTER_FLAG_LOG", 2), ("SECCOMP_FILTER_FLAG_SPEC_ALLOW", 4), ("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 32)];

    private readonly SortedSet<string> _unknown = new(StringComparer.Ordinal);
    private readonly ImmutableArray<SeccompRule>.Builder _rules = ImmutableArray.CreateBuilder<SeccompRule>();
    private int _names;

    public static SeccompContent Read(ReadOnlyMemory<byte> utf8)
    {
        if (utf8.Length > MaxBytes)
        {
            throw new SeccompProfileException($"The profile has {utf8.Length} bytes; {MaxBytes} are possible.");
        }

        try
        {
            using var document = JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = MaxDepth });
            return new SeccompReader().Read(document.RootElement);
        }
        catch (JsonException malformed)
        {
            throw new SeccompProfileException($"The profile is not JSON: {malformed.Message}", malformed);
        }
        catch (InvalidOperationException malformed)
        {
            // A text with half of a surrogate pair.
            throw new SeccompProfileException($"The profile is not JSON: {malformed.Message}", malformed);
        }
    }

    private SeccompContent Read(JsonElement root)
    {
        Expect(root, JsonValueKind.Object, "the profile");
        var defaultErrno = OptionalErrno(root, "defaultErrnoRet", "defaultErrnoRet");
        var defaultAction = Action(Required(root, "defaultAction", "defaultAction"), defaultErrno, "defaultAction");
        var machines = ReadMachines(root);
        if (root.TryGetProperty("listenerPath", out _) || root.TryGetProperty("listenerMetadata", out _))
        {
            throw new SeccompProfileException("listenerPath: calls are answered by a handler of this process, not by a socket; leave it out.");
        }

        uint flags = 0;
        foreach (var (flag, path) in Items(root, "flags", "flags"))
        {
            var name = Text(flag, path);
            var known = Array.FindIndex(Flags, entry => entry.Name == name);
            flags |= known >= 0 ? Flags[known].Flag : throw Refuse(path, name, string.Join(", ", Flags.Select(static entry => entry.Name)));
        }

        foreach (var (rule, path) in Items(root, "syscalls", "syscalls"))
        {
            ReadRule(rule, path, defaultErrno);
        }

        return new SeccompContent(defaultAction, flags, machines, _rules.ToImmutable(), [.. _unknown]);
    }

    /// <summary>The machines besides the native one, by what each machine adds (Docker), or for all (the specification).</summary>
    private static ImmutableArray<(string? Native, string Machine)> ReadMachines(JsonElement root)
    {
        var machines = ImmutableArray.CreateBuilder<(string?, string)>();
        foreach (var (item, path) in Items(root, "architectures", "architectures"))
        {
            machines.Add((null, Machine(item, path)));
        }

        foreach (var (item, path) in Items(root, "archMap", "archMap"))
        {
            Expect(item, JsonValueKind.Object, path);
            var native = Machine(Required(item, "architecture", path + ".architecture"), path + ".architecture");
            foreach (var (sub, subPath) in Items(item, "subArchitectures", path + ".subArchitectures"))
            {
                machines.Add((native, Machine(sub, subPath)));
            }
        }

        return machines.ToImmutable();
    }

    private void ReadRule(JsonElement rule, string path, ushort? defaultErrno)
    {
        if (_rules.Count == MaxRules)
        {
            throw new SeccompProfileException($"{path}: a profile has at most {MaxRules} rules.");
        }

        Expect(rule, JsonValueKind.Object, path);
        var names = ImmutableArray.CreateBuilder<string>();
        if (rule.TryGetProperty("name", out var single) && single.ValueKind != JsonValueKind.Null && Text(single, path + ".name") is { Length: > 0 } one)
        {
            AddName(names, one);
        }

        foreach (var (name, namePath) in Items(rule, "names", path + ".names"))
        {
            AddName(names, Text(name, namePath));
        }

        var action = Action(Required(rule, "action", path + ".action"), OptionalErrno(rule, "errnoRet", path + ".errnoRet") ?? defaultErrno, path + ".action");
        var conditions = ImmutableArray.CreateBuilder<SeccompCondition>();
        foreach (var (argument, argumentPath) in Items(rule, "args", path + ".args"))
        {
            conditions.Add(Condition(argument, argumentPath));
        }

        if (conditions.Count > 6)
        {
            throw new SeccompProfileException($"{path}.args: a rule compares at most 6 arguments; found {conditions.Count}.");
        }

        _rules.Add(new SeccompRule(names.ToImmutable(), action, conditions.ToImmutable(), Scope(rule, "includes", path), Scope(rule, "excludes", path)));
    }

    private void AddName(ImmutableArray<string>.Builder names, string name)
    {
        if (++_names > MaxNames)
        {
            throw new SeccompProfileException($"syscalls: a profile names at most {MaxNames} calls.");
        }

        if (SystemCallTable.IsKnown(name))
        {
            names.Add(name);
        }
        else
        {
            _unknown.Add(name);
        }
    }

    private static SeccompCondition Condition(JsonElement argument, string path)
    {
        Expect(argument, JsonValueKind.Object, path);
        var index = Number(Required(argument, "index", path + ".index"), path + ".index");
        if (index > 5)
        {
            throw Refuse(path + ".index", index.ToString(CultureInfo.InvariantCulture), "0 to 5");
        }

        var name = Text(Required(argument, "op", path + ".op"), path + ".op");
        var comparison = Array.IndexOf(Comparisons, name);
        if (comparison < 0)
        {
            throw Refuse(path + ".op", name, string.Join(", ", Comparisons));
        }

        var value = Number(Required(argument, "value", path + ".value"), path + ".value");
        var second = argument.TryGetProperty("valueTwo", out var two) ? Number(two, path + ".valueTwo") : 0;
        return new SeccompCondition((int)index, (SeccompComparison)comparison, value, second);
    }

    private static SeccompScope? Scope(JsonElement rule, string name, string path)
    {
        if (!rule.TryGetProperty(name, out var scope) || scope.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        path = $"{path}.{name}";
        Expect(scope, JsonValueKind.Object, path);
        ulong capabilities = 0;
        foreach (var (item, itemPath) in Items(scope, "caps", path + ".caps"))
        {
            var capability = Text(item, itemPath);
            capabilities |= Capabilities.NumberOf(capability) is { } number ? 1UL << number : throw Refuse(itemPath, capability, "CAP_CHOWN and the other names of capabilities(7)");
        }

        var machines = ImmutableArray.CreateBuilder<string>();
        foreach (var (item, itemPath) in Items(scope, "arches", path + ".arches"))
        {
            machines.Add(Text(item, itemPath));
        }

        Version? least = null;
        if (scope.TryGetProperty("minKernel", out var kernel) && kernel.ValueKind != JsonValueKind.Null)
        {
            var text = Text(kernel, path + ".minKernel");
            least = Version.TryParse(text, out var parsed) ? parsed : throw Refuse(path + ".minKernel", text, "a version: 4.8");
        }

        return new SeccompScope(capabilities, machines.ToImmutable(), least);
    }

    private static SeccompAction Action(JsonElement element, ushort? errno, string path)
    {
        const ushort OperationNotPermitted = 1;
        var data = errno ?? OperationNotPermitted;
        return Text(element, path) switch
        {
            "SCMP_ACT_KILL" or "SCMP_ACT_KILL_THREAD" => SeccompAction.KillThread,
            "SCMP_ACT_KILL_PROCESS" => SeccompAction.KillProcess,
            "SCMP_ACT_TRAP" => SeccompAction.Trap,
            "SCMP_ACT_ERRNO" => SeccompAction.Error(data),
            "SCMP_ACT_TRACE" => SeccompAction.Trace(data),
            "SCMP_ACT_ALLOW" => SeccompAction.Allow,
            "SCMP_ACT_LOG" => SeccompAction.Log,
            "SCMP_ACT_NOTIFY" => SeccompAction.Notify,
            var other => throw Refuse(path, other, "SCMP_ACT_KILL, _KILL_THREAD, _KILL_PROCESS, _TRAP, _ERRNO, _TRACE, _ALLOW, _LOG and _NOTIFY"),
        };
    }

    private static ushort? OptionalErrno(JsonElement parent, string name, string path)
    {
        if (!parent.TryGetProperty(name, out var element) || element.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        // MAX_ERRNO of the kernel.
        return Number(element, path) is <= 4095 and var errno ? (ushort)errno : throw Refuse(path, element.GetRawText(), "0 to 4095");
    }

    private static string Machine(JsonElement element, string path)
    {
        var name = Text(element, path);
        return name.StartsWith("SCMP_ARCH_", StringComparison.Ordinal) ? name : throw Refuse(path, name, "SCMP_ARCH_X86_64 and the other names of the runtime specification");
    }

    private static JsonElement Required(JsonElement parent, string name, string path) =>
        parent.TryGetProperty(name, out var element) ? element : throw new SeccompProfileException($"{path}: it is missing.");

    private static IEnumerable<(JsonElement Item, string Path)> Items(JsonElement parent, string name, string path)
    {
        if (!parent.TryGetProperty(name, out var array) || array.ValueKind == JsonValueKind.Null)
        {
            yield break;
        }

        Expect(array, JsonValueKind.Array, path);
        var index = 0;
        foreach (var item in array.EnumerateArray())
        {
            yield return (item, string.Create(CultureInfo.InvariantCulture, $"{path}[{index++}]"));
        }
    }

    private static string Text(JsonElement element, string path)
    {
        Expect(element, JsonValueKind.String, path);
        return element.GetString()!;
    }

    private static ulong Number(JsonElement element, string path)
    {
        Expect(element, JsonValueKind.Number, path);
        return element.TryGetUInt64(out var number) ? number : throw Refuse(path, element.GetRawText(), "a whole number from 0 to 18446744073709551615");
    }

    private static void Expect(JsonElement element, JsonValueKind kind, string path)
    {
        if (element.ValueKind != kind)
        {
            throw new SeccompProfileException($"{path}: {kind} is expected; found {element.ValueKind}.");
        }
    }

    private static SeccompProfileException Refuse(string path, string found, string allowed) =>
        new($"{path}: found {Specification.Rules.Printable.Shorten(found)}; allowed: {allowed}.");
}

/// <summary>A profile as it was read.</summary>
/// <param name="DefaultAction">For calls that no rule names.</param>
/// <param name="Flags">SECCOMP_FILTER_FLAG_*.</param>
/// <param name="Machines">Further machines, each for one native machine or for all.</param>
/// <param name="Rules">In the order of the file.</param>
/// <param name="Unknown">Names that no machine has a call of.</param>
internal sealed record SeccompContent(
    SeccompAction DefaultAction, uint Flags, ImmutableArray<(string? Native, string Machine)> Machines, ImmutableArray<SeccompRule> Rules, ImmutableArray<string> Unknown);
