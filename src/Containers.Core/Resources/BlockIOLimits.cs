using System.Collections.Immutable;

namespace Containers;

/// <summary>How a container shares block devices: its weight, and rates for single devices.</summary>
public sealed record BlockIOLimits
{
    /// <summary>
    /// The share of a busy device, 10 to 1000, against other containers' (<c>blkio.weight</c>, on cgroup v2 <c>io.weight</c>);
    /// null leaves the kernel's default.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The weight is below 10 or above 1000.</exception>
    public int? Weight
    {
        get;
        init => field = RequireWeight(value, nameof(Weight));
    }

    /// <summary>Rates for single devices; each device once.</summary>
    /// <exception cref="ArgumentException">A device is named twice.</exception>
    public ImmutableArray<BlockIODeviceLimit> Devices
    {
        get;
        init => field = RequireEachOnce(value.IsDefault ? [] : value, nameof(Devices));
    } = [];

    private static int? RequireWeight(int? weight, string parameter) => weight is < 10 or > 1000
        ? throw new ArgumentOutOfRangeException(parameter, weight, "A block I/O weight is 10 to 1000.")
        : weight;

    private static ImmutableArray<BlockIODeviceLimit> RequireEachOnce(ImmutableArray<BlockIODeviceLimit> devices, string parameter)
    {
        var paths = new HashSet<string>(StringComparer.Ordinal);
        foreach (var device in devices)
        {
            ArgumentNullException.ThrowIfNull(device, parameter);
            if (!paths.Add(device.DevicePath))
            {
                throw new ArgumentException($"{device.DevicePath} is limited twice; put its rates into one entry.", parameter);
            }
        }

        return devices;
    }
}
