using System.Collections.Immutable;
using System.Text;
using Containers.Specification;
using Containers.Specification.Rules;
using Containers.Users;

namespace Containers;

// What runs in the container, as whom, with what input.
public sealed partial class ContainerBuilder
{
    /// <summary>Sets the command: the program and its arguments, or the arguments of the entrypoint where there is one.</summary>
    /// <param name="command">
    /// The words, not interpreted by any shell; a program without a slash is looked up in the container's PATH.
    /// </param>
    /// <exception cref="ArgumentException">There is no word, or one has a NUL character or is longer than the kernel takes.</exception>
    public ContainerBuilder WithCommand(params string[] command) =>
        With(Spec with { Command = CommandWords.Require(command, nameof(command)) });

    /// <summary>Sets the entrypoint: the program that gets the command as its further arguments.</summary>
    /// <param name="entrypoint">The program and its first arguments.</param>
    /// <exception cref="ArgumentException">
    /// There is no word, the first is empty, or one has a NUL character or is longer than the kernel takes.
    /// </exception>
    public ContainerBuilder WithEntrypoint(params string[] entrypoint) =>
        With(Spec with { Entrypoint = CommandWords.RequireProgram(entrypoint, nameof(entrypoint), "entrypoint") });

    /// <summary>Sets an environment variable. The host's own environment is never passed on.</summary>
    /// <param name="name">The name, with no <c>=</c> in it.</param>
    /// <param name="value">The value; it may be empty.</param>
    /// <exception cref="ArgumentException">
    /// The name is empty or has a <c>=</c>, one has a NUL character, or both are longer than the kernel takes.
    /// </exception>
    public ContainerBuilder WithEnvironment(string name, string value)
    {
        RequireVariable(name, nameof(name), value, nameof(value));
        return With(Spec with { Environment = Spec.Environment.With(name, value) });
    }

    /// <summary>Sets many environment variables, in their order.</summary>
    /// <param name="variables">Names and values, a dictionary for instance.</param>
    /// <exception cref="ArgumentException">
    /// A name is empty or has a <c>=</c>, one has a NUL character, or both are longer than the kernel takes.
    /// </exception>
    public ContainerBuilder WithEnvironment(IEnumerable<KeyValuePair<string, string>> variables)
    {
        ArgumentNullException.ThrowIfNull(variables);
        var environment = Spec.Environment;
        foreach (var (name, value) in variables)
        {
            RequireVariable(name, nameof(variables), value, nameof(variables));
            environment = environment.With(name, value);
        }

        return With(Spec with { Environment = environment });
    }

    /// <summary>Sets the directory the program starts in.</summary>
    /// <param name="path">An absolute path in the container.</param>
    /// <exception cref="ArgumentException">
    /// <paramref name="path"/> is not absolute, has a <c>..</c>, or is longer than the kernel takes.
    /// </exception>
    public ContainerBuilder WithWorkingDirectory(string path) =>
        With(Spec with { WorkingDirectory = ContainerPath.Normalize(path, nameof(path)) });

    /// <summary>
    /// Sets the user as Docker does: <c>uid</c>, <c>uid:gid</c>, <c>name</c> or <c>name:group</c>. Names are looked up in the
    /// container's own <c>/etc/passwd</c> and <c>/etc/group</c>; digits are always an id. With no group, a user that is in these
    /// files gets all its groups, and another the group 0.
    /// </summary>
    /// <param name="user">The user.</param>
    /// <exception cref="ArgumentException"><paramref name="user"/> has none of the four forms, or an id is above 2147483646.</exception>
    public ContainerBuilder WithUser(string user) =>
        With(Spec with { User = UserSpec.Parse(user, nameof(user)) with { SupplementaryGroups = Spec.User?.SupplementaryGroups ?? [] } });

    /// <summary>Sets the user by number.</summary>
    /// <param name="userId">The user id, 0 to 2147483646.</param>
    /// <param name="groupId">The group id; null for the groups the container's own files give the user, or 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">An id is above 2147483646.</exception>
    public ContainerBuilder WithUser(uint userId, uint? groupId = null)
    {
        var user = AccountId.Require(userId, nameof(userId));
        var group = groupId is { } id ? AccountId.Require(id, nameof(groupId)) : (uint?)null;
        return With(Spec with
        {
            User = (Spec.User ?? UserSpec.Of(0, 0)) with
            {
                User = user.ToString(System.Globalization.CultureInfo.InvariantCulture),
                Group = group?.ToString(System.Globalization.CultureInfo.InvariantCulture),
            },
        });
    }

    /// <summary>Sets the groups the user has on top of its own.</summary>
    /// <param name="groups">Ids, or names in the container's own <c>/etc/group</c>; none removes those set before.</param>
    /// <exception cref="ArgumentException">One is neither an id nor a name.</exception>
    public ContainerBuilder WithSupplementaryGroups(params string[] groups)
    {
        ArgumentNullException.ThrowIfNull(groups);
        var names = ImmutableArray.CreateBuilder<string>(groups.Length);
        foreach (var group in groups)
        {
            names.Add(UserSpec.IdOrName(group, nameof(groups)));
        }

        return With(Spec with { User = (Spec.User ?? UserSpec.Of(0, 0)) with { SupplementaryGroups = names.MoveToImmutable() } });
    }

    /// <summary>
    /// Has a command tell, again and again while the container runs, whether it works (<see cref="Container.Health"/>). It replaces the image's.
    /// A job that is run to its end with RunAsync is not checked.
    /// </summary>
    /// <param name="check">The command, and when it is run.</param>
    public ContainerBuilder WithHealthCheck(HealthCheck check)
    {
        ArgumentNullException.ThrowIfNull(check);
        return With(Spec with { HealthCheck = check });
    }

    /// <summary>Leaves out the image's health check, as Docker's <c>--no-healthcheck</c>.</summary>
    public ContainerBuilder WithoutHealthCheck() => With(Spec with { HealthCheck = HealthCheck.Off });

    /// <summary>Gives the job a text to read, as UTF-8. Without input it reads end-of-file at once.</summary>
    /// <param name="text">The text.</param>
    public ContainerBuilder WithStandardInput(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return With(Spec with { StandardInput = new InputSource(Encoding.UTF8.GetBytes(text), Stream: null) });
    }

    /// <summary>Gives the job bytes to read.</summary>
    /// <param name="bytes">The bytes; they are not copied, so leave them unchanged as long as the builder is used.</param>
    public ContainerBuilder WithStandardInput(ReadOnlyMemory<byte> bytes) =>
        With(Spec with { StandardInput = new InputSource(bytes, Stream: null) });

    /// <summary>
    /// Gives the job a stream to read, copied as the job reads it. A stream is read once: it serves one run of one container,
    /// and stays the caller's to dispose.
    /// </summary>
    /// <param name="stream">A readable stream.</param>
    /// <exception cref="ArgumentException"><paramref name="stream"/> cannot be read.</exception>
    public ContainerBuilder WithStandardInput(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return stream.CanRead
            ? With(Spec with { StandardInput = new InputSource(default, stream) })
            : throw new ArgumentException("The stream cannot be read; it is write-only or disposed.", nameof(stream));
    }

    /// <summary>Gives the job a terminal for its standard streams; its output is then one stream.</summary>
    /// <param name="columns">Characters in a line, 1 to 65535.</param>
    /// <param name="rows">Lines on the screen, 1 to 65535.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public ContainerBuilder WithTerminal(int columns = 80, int rows = 24) => With(Spec with
    {
        Terminal = new TerminalSize(RequireExtent(columns, nameof(columns)), RequireExtent(rows, nameof(rows))),
    });

    /// <summary>Sets the signal that asks the main process to end; SIGTERM unless set.</summary>
    /// <param name="signal">The signal.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="signal"/> is none of the enumeration.</exception>
    public ContainerBuilder WithStopSignal(Signal signal) =>
        With(Spec with { StopSignal = Choice.Require(signal, nameof(signal)) });

    /// <summary>
    /// Runs the job as the child of an init of the engine's instead of as PID 1: the init reaps orphans and forwards signals,
    /// and signals that the job does not handle end it as they would outside a container.
    /// </summary>
    public ContainerBuilder WithInit() => With(Spec with { Init = true });

    private static void RequireVariable(string name, string nameParameter, string value, string valueParameter)
    {
        KernelText.RequireNotEmpty(name, nameParameter, "The variable's name");
        if (name.Contains('=', StringComparison.Ordinal))
        {
            throw new ArgumentException(
                $"'{Printable.Shorten(name)}' has a '=' in it, at which the job would see the name end; give the value apart.",
                nameParameter);
        }

        KernelText.Require(value, valueParameter);
        KernelText.RequireArgumentBytes(
            KernelText.ByteCount(name, nameParameter) + 1 + KernelText.ByteCount(value, valueParameter), valueParameter);
    }

    private static ushort RequireExtent(int value, string parameter) => value is >= 1 and <= ushort.MaxValue
        ? (ushort)value
        : throw new ArgumentOutOfRangeException(parameter, value, $"A terminal has 1 to {ushort.MaxValue} columns and rows.");
}
