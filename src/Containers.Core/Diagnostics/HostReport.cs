using System.Globalization;
using System.Text;

namespace Containers;

/// <summary>What this process can do with containers on this host.</summary>
public sealed class HostReport
{
    internal HostReport(IReadOnlyList<HostFeature> features, bool canRun)
    {
        Features = features;
        CanRun = canRun;
    }

    /// <summary>Every feature that was tried.</summary>
    public IReadOnlyList<HostFeature> Features { get; }

    /// <summary>Whether a container ran when it was tried; limits may still be missing.</summary>
    public bool CanRun { get; }

    /// <summary>The report for a person: a line for each feature, and the remedy below what is missing.</summary>
    public override string ToString()
    {
        var width = Features.Max(static feature => feature.Name.Length);
        var text = new StringBuilder();
        foreach (var feature in Features)
        {
            text.Append(CultureInfo.InvariantCulture, $"{(feature.IsAvailable ? "yes" : "NO ")}  {feature.Name.PadRight(width)}  {feature.Detail}\n");
            if (feature.Remedy is { } remedy)
            {
                text.Append(' ', width + 7).Append(remedy).Append('\n');
            }
        }

        return text.ToString();
    }
}
