namespace Containers.Specification.Rules;

/// <summary>Names of AppArmor profiles and SELinux contexts: one line of text that the kernel reads as a whole.</summary>
internal static class LabelRule
{
    /// <summary>A page, which is what the kernel reads at most.</summary>
    private const int MaxLength = 4000;

    private const int ContextParts = 3;

    public static string Profile(string profile, string parameter)
    {
        var name = KernelText.RequireNotEmpty(profile, parameter, "The profile's name");
        return IsLine(name) && !name.StartsWith(' ') && !name.EndsWith(' ')
            ? name
            : throw new ArgumentException($"'{Printable.Shorten(name)}' is no name of an AppArmor profile: one line without spaces around it, such as docker-default.", parameter);
    }

    public static string Context(string label, string parameter)
    {
        var context = KernelText.RequireNotEmpty(label, parameter, "The context");
        return IsLine(context) && !context.Contains(' ', StringComparison.Ordinal) && context.Split(':') is { Length: >= ContextParts } parts && parts.Take(ContextParts).All(static part => part.Length > 0)
            ? context
            : throw new ArgumentException($"'{Printable.Shorten(context)}' is no SELinux context: write user:role:type, with a level behind it where the policy has levels.", parameter);
    }

    /// <summary>The same, where a profile is given as a whole.</summary>
    public static void Require(SecurityProfile profile, string parameter)
    {
        if (profile.AppArmorProfile is { } name)
        {
            Profile(name, parameter);
        }

        foreach (var label in (ReadOnlySpan<string?>)[profile.SELinuxLabel, profile.SELinuxMountLabel])
        {
            if (label is not null)
            {
                Context(label, parameter);
            }
        }
    }

    private static bool IsLine(string text) => text.Length <= MaxLength && !text.Any(char.IsControl);
}
