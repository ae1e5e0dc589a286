namespace Containers.Tests.Networks;

/// <summary>For what the kernel does a moment later.</summary>
internal static class Wait
{
    public static async Task UntilAsync(Func<bool> condition)
    {
        for (var attempt = 0; !condition(); attempt++)
        {
            Assert.True(attempt < 500, "it did not come to be so in ten seconds");
            await Task.Delay(20, Box.Token);
        }
    }
}
