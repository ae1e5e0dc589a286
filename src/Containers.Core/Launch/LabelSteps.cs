namespace Containers.Launch;

/// <summary>
/// The label that a security module gives the job at its execve. It is asked for again by every command that joins the container: one
/// that forgot it would be the way around it.
/// </summary>
internal static class LabelSteps
{
    /// <summary>As it is named in messages.</summary>
    public const string AppArmorFile = "/proc/" + AppArmor;

    /// <inheritdoc cref="AppArmorFile"/>
    public const string SELinuxFile = "/proc/" + SELinux;

    private const string AppArmor = "thread-self/attr/apparmor/exec";
    private const string SELinux = "thread-self/attr/exec";

    /// <summary>Sets what is asked for.</summary>
    /// <param name="program">The program.</param>
    /// <param name="security">What is asked for.</param>
    /// <param name="proc">A procfs that shows this process; null for the one at /proc.</param>
    public static void Set(ProgramBuilder program, SecurityProfile security, Cell? proc)
    {
        if (security.AppArmorProfile is { } profile)
        {
            Write(program, proc, AppArmor, "exec " + profile);
        }

        if (security.SELinuxLabel is { } label)
        {
            Write(program, proc, SELinux, label);
        }
    }

    /// <summary>The options of a file system that is the container's own, with its context where one is asked for (mount(8)).</summary>
    public static (string Key, string? Value)[] OptionsOf(SecurityProfile security, params (string Key, string? Value)[] options) =>
        security.SELinuxMountLabel is { } label ? [.. options, ("context", label)] : options;

    private static void Write(ProgramBuilder program, Cell? proc, string path, string value)
    {
        if (proc is { } mounted)
        {
            ProcSteps.WriteFile(program, mounted, path, value);
        }
        else
        {
            GuardianProgram.WriteFile(program, "/proc/" + path, value);
        }
    }
}
