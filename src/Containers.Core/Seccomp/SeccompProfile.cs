using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Containers.Seccomp;

namespace Containers;

/// <summary>
/// A filter of system calls (seccomp(2)) as the OCI runtime specification describes them, also in the form that Docker and podman
/// use: with <c>archMap</c>, <c>includes</c> and <c>excludes</c>. Immutable. Where several rules name a call, the first one whose
/// conditions hold counts. Calls newer than this library get ENOSYS where the profile would answer with another error, so that
/// programs fall back to older ones.
/// </summary>
public sealed class SeccompProfile
{
    private static readonly Lazy<SeccompProfile> LazyDefault = new(static () => Embedded("default"));
    private static readonly Lazy<SeccompProfile> LazyUntrusted = new(static () => Embedded("untrusted"));

    private readonly ConcurrentDictionary<ulong, SeccompFilter> _compiled = new();
    private readonly Lazy<SeccompProfile> _withoutNamespaces;
    private readonly Lazy<SeccompProfile> _withoutSignals;

    private SeccompProfile(string name, SeccompContent content)
    {
        Name = name;
        Content = content;
        _withoutNamespaces = new(() => Confined("process"));
        _withoutSignals = new(() => Confined("process", "signals"));
    }

    /// <summary>
    /// The default: an allow-list as strict as Docker's, without system calls of other architectures, and without
    /// putting input into terminals (TIOCSTI, TIOCLINUX).
    /// </summary>
    public static SeccompProfile Default => LazyDefault.Value;

    /// <summary>
    /// For what strangers wrote: besides, no tracing, no reading of other processes' memory, no message queues, no sockets but UNIX, IP
    /// and routing netlink, no real-time scheduling, no changing of the core limit.
    /// </summary>
    public static SeccompProfile Untrusted => LazyUntrusted.Value;

    /// <summary>Names in the profile that no machine has a system call of; they are ignored, as Docker does.</summary>
    public IReadOnlyList<string> UnknownSystemCalls => Content.Unknown;

    internal string Name { get; }

    internal SeccompContent Content { get; }

    /// <summary>Reads a profile.</summary>
    /// <param name="json">The JSON text.</param>
    /// <exception cref="SeccompProfileException">It is malformed.</exception>
    public static SeccompProfile Parse(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        return Parse(Encoding.UTF8.GetBytes(json));
    }

    /// <summary>Reads a profile.</summary>
    /// <param name="utf8">The JSON text as UTF-8.</param>
    /// <exception cref="SeccompProfileException">It is malformed.</exception>
    public static SeccompProfile Parse(ReadOnlyMemory<byte> utf8) => new("custom", SeccompReader.Read(utf8));

    /// <summary>Reads a profile from a file of the host.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="SeccompProfileException">It is malformed; the message begins with the path.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It cannot be read.</exception>
    public static SeccompProfile FromFile(string path)
    {
        try
        {
            return new SeccompProfile(path, SeccompReader.Read(File.ReadAllBytes(path)));
        }
        catch (SeccompProfileException malformed)
        {
            throw new SeccompProfileException($"{path}: {malformed.Message}", malformed);
        }
    }

    /// <summary>A copy that allows these calls, whatever the profile says of them.</summary>
    /// <param name="systemCalls">Their names: <c>ptrace</c>.</param>
    /// <exception cref="ArgumentException">No machine has a call of that name.</exception>
    public SeccompProfile Allow(params ReadOnlySpan<string> systemCalls) => Before(systemCalls, SeccompAction.Allow);

    /// <summary>A copy that lets these calls fail with EPERM.</summary>
    /// <inheritdoc cref="Allow"/>
    public SeccompProfile Deny(params ReadOnlySpan<string> systemCalls) => Before(systemCalls, SeccompAction.Error(1));

    /// <summary>A copy that kills the process that makes one of these calls; the outcome is <see cref="Outcome.SyscallDenied"/>.</summary>
    /// <inheritdoc cref="Allow"/>
    public SeccompProfile Kill(params ReadOnlySpan<string> systemCalls) => Before(systemCalls, SeccompAction.KillProcess);

    /// <summary>A copy that hands these calls to a handler of this process (<see cref="ContainerBuilder.WithSeccomp(SeccompProfile, SystemCallHandler)"/>).</summary>
    /// <inheritdoc cref="Allow"/>
    public SeccompProfile Notify(params ReadOnlySpan<string> systemCalls) => Before(systemCalls, SeccompAction.Notify);

    /// <summary>A copy that refuses, besides, what reaches other processes of the host where no namespace is in between.</summary>
    /// <param name="signals">Sending signals too: nothing else keeps them inside.</param>
    internal SeccompProfile WithoutNamespaces(bool signals) => (signals ? _withoutSignals : _withoutNamespaces).Value;

    /// <summary>The name of the profile, and how many rules it has.</summary>
    public override string ToString() => Describe();

    internal string Describe() => string.Create(CultureInfo.InvariantCulture, $"{Name}, {Content.Rules.Length} rules, other calls {Action(Content.DefaultAction)}");

    /// <summary>Whether it hands calls to a handler, so that it needs one.</summary>
    internal bool NeedsHandler => Content.DefaultAction.Notifies || Content.Rules.Any(static rule => rule.Action.Notifies);

    /// <summary>What the profile says of a call that was handed to this process.</summary>
    internal SeccompAction Decide(ulong capabilities, string name, ReadOnlySpan<ulong> arguments)
    {
        foreach (var rule in Content.Rules)
        {
            if (rule.Names.Contains(name) && rule.AppliesTo(capabilities, SeccompMachine.Native.Name, Environment.OSVersion.Version) && Holds(rule, arguments))
            {
                return rule.Action;
            }
        }

        return Content.DefaultAction;

        static bool Holds(SeccompRule rule, ReadOnlySpan<ulong> arguments)
        {
            foreach (var condition in rule.Conditions)
            {
                if (!condition.Holds(arguments[condition.Index]))
                {
                    return false;
                }
            }

            return true;
        }
    }

    /// <summary>Whether some process of a container without capabilities could make this call.</summary>
    internal bool MayCall(string name) =>
        Content.Rules.FirstOrDefault(rule => rule.Names.Contains(name) && rule.Conditions.IsEmpty && rule.Includes is null && rule.Excludes is null) is { } rule
            ? !rule.Action.Refuses
            : !Content.DefaultAction.Refuses || Content.Rules.Any(rule => rule.Names.Contains(name) && !rule.Action.Refuses);

    /// <summary>The filter for a container with these capabilities on this machine; compiled once.</summary>
    /// <param name="capabilities">Of the container, as a mask.</param>
    /// <exception cref="ContainerException">Calls are to be handed over, but the profile does not let the descriptor for them be sent.</exception>
    internal SeccompFilter Compile(ulong capabilities) => _compiled.TryGetValue(capabilities, out var known) ? known : CompileNew(capabilities);

    private SeccompFilter CompileNew(ulong capabilities)
    {
        // The last steps of the set-up are made under the filter where it has a listener.
        var canSend = Array.TrueForAll(AfterTheFilter, name => Decide(capabilities, name, [0, 0, 0, 0, 0, 0]) == SeccompAction.Allow);
        if (NeedsHandler && !canSend)
        {
            throw new ContainerException("hand system calls to a handler", null, Interop.Errno.EACCES,
                $"The profile must allow {string.Join(", ", AfterTheFilter)} to hand over others: the descriptor for them is sent with these.");
        }

        return _compiled.GetOrAdd(capabilities, SeccompCompiler.Compile(Content, capabilities, SeccompMachine.Native, Environment.OSVersion.Version, asksBeforeKilling: canSend));
    }

    private static readonly string[] AfterTheFilter = ["sendmsg", "close_range", "dup3", "rt_sigprocmask", "execve"];

    private static string Action(SeccompAction action) => action == SeccompAction.Allow ? "are allowed" : action.Kills ? "kill" : "fail";

    private static SeccompProfile Embedded(string name)
    {
        using var stream = typeof(SeccompProfile).Assembly.GetManifestResourceStream($"Containers.Seccomp.Profiles.{name}.json")!;
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return new SeccompProfile(name, SeccompReader.Read(bytes.ToArray()));
    }

    private SeccompProfile Confined(params ReadOnlySpan<string> profiles)
    {
        var rules = Content.Rules;
        foreach (var profile in profiles)
        {
            rules = [.. Embedded(profile).Content.Rules, .. rules];
        }

        return new SeccompProfile(Name + ", without namespaces", Content with { Rules = rules });
    }

    private SeccompProfile Before(ReadOnlySpan<string> names, SeccompAction action)
    {
        foreach (var name in names)
        {
            if (name is null || !SystemCallTable.IsKnown(name))
            {
                throw new ArgumentException($"'{name}' is no system call: use the names of syscalls(2), such as ptrace.", nameof(names));
            }
        }

        var rule = SeccompRule.For([.. names], action);
        var changed = Name.EndsWith(", changed", StringComparison.Ordinal) ? Name : Name + ", changed";
        return new SeccompProfile(changed, Content with { Rules = Content.Rules.Insert(0, rule) });
    }
}
