using System.Globalization;
using System.Runtime.InteropServices;

namespace Containers.Security.Tests;

/// <summary>
/// Every number of a system call up to 600, made for real: which of them reach the kernel is written in SystemCalls/PROFILE.txt, so that a
/// change of a profile, or of how it is compiled, is seen in a review. (The kernel lets uretprobe past every filter; who calls it is killed.)
/// </summary>
[Trait("Category", "Rootless")]
public sealed class SystemCallListTests
{
    private const string NotPermitted = "1";
    private const string NotImplemented = "38";

    public static TheoryData<string> Profiles => [.. Attack.Profiles];

    [Theory]
    [MemberData(nameof(Profiles))]
    public async Task CallsThatReachTheKernel_AreThoseOfTheList(string profile)
    {
        Assert.SkipUnless(RuntimeInformation.ProcessArchitecture == Architecture.X64, "the list is that of x86-64");
        var listed = (await File.ReadAllLinesAsync(Path.Combine(AppContext.BaseDirectory, "SystemCalls", profile + ".txt"), Job.Token))
            .Select(static line => int.Parse(line.Split(' ')[0], CultureInfo.InvariantCulture)).ToHashSet();
        var filtered = await SweepAsync(Attack.With(profile, "sweep-calls"));
        var free = await SweepAsync(Attack.With(profile, "sweep-calls").WithoutSeccomp());

        Assert.Equal(601, filtered.Count);
        foreach (var (number, result) in filtered)
        {
            var reaches = result is not (NotPermitted or NotImplemented);
            if (reaches)
            {
                Assert.True(listed.Contains(number), $"call {number} reaches the kernel under the profile {profile}, and is not in the list: {result}");
            }
            else if (free[number] != result)
            {
                // Otherwise it is the kernel that refuses, and whether the filter does is not seen.
                Assert.False(listed.Contains(number), $"call {number} is in the list of the profile {profile}, and is refused: {result}, without the filter {free[number]}");
            }
        }

        // Nothing beyond the calls that are known is answered otherwise than as unknown.
        Assert.All(filtered.Where(static call => call.Key > 480), static call => Assert.Equal(NotImplemented, call.Value));
    }

    private static async Task<Dictionary<int, string>> SweepAsync(ContainerBuilder job) =>
        (await Attack.LinesOf(job.WithTimeout(TimeSpan.FromSeconds(60)))).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => line.Split(' ', 2))
            .ToDictionary(static parts => int.Parse(parts[0], CultureInfo.InvariantCulture), static parts => parts[1]);
}
