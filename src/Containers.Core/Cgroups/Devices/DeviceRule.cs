using System.Globalization;

namespace Containers.Cgroups.Devices;

/// <summary>The two kinds of device file.</summary>
internal enum DeviceKind
{
    Character,
    Block,
}

/// <summary>What a rule allows to be done with a device; the values are the kernel's BPF_DEVCG_ACC_*.</summary>
[Flags]
internal enum DeviceAccess
{
    None = 0,
    MakeNode = 1,
    Read = 2,
    Write = 4,
    All = MakeNode | Read | Write,
}

/// <summary>Allows access to devices of a kind; a null number is any.</summary>
internal readonly record struct DeviceRule(DeviceKind Kind, uint? Major, uint? Minor, DeviceAccess Access)
{
    /// <summary>The rule for one device file of the host.</summary>
    /// <param name="path">The device file.</param>
    /// <param name="access">Some of the letters <c>r</c>, <c>w</c> and <c>m</c>, as <c>docker run --device</c> has them.</param>
    /// <exception cref="ContainerException">There is no such device file.</exception>
    public static DeviceRule ForFile(string path, string access)
    {
        var number = DeviceNumber.OfFile(path, out var isBlock);
        return new DeviceRule(isBlock ? DeviceKind.Block : DeviceKind.Character, number.Major, number.Minor, ParseAccess(access));
    }

    /// <summary>As <c>devices.allow</c> takes it: <c>c 1:3 rwm</c>.</summary>
    public override string ToString() =>
        $"{(Kind == DeviceKind.Block ? 'b' : 'c')} {Number(Major)}:{Number(Minor)} " +
        $"{(Access.HasFlag(DeviceAccess.Read) ? "r" : "")}{(Access.HasFlag(DeviceAccess.Write) ? "w" : "")}" +
        $"{(Access.HasFlag(DeviceAccess.MakeNode) ? "m" : "")}";

    private static string Number(uint? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "*";

    private static DeviceAccess ParseAccess(string letters)
    {
        var access = DeviceAccess.None;
        foreach (var letter in letters)
        {
            access |= letter switch
            {
                'r' => DeviceAccess.Read,
                'w' => DeviceAccess.Write,
                'm' => DeviceAccess.MakeNode,
                _ => throw new ArgumentException($"Device access is some of r, w and m, not '{letter}'.", nameof(letters)),
            };
        }

        return access;
    }
}
