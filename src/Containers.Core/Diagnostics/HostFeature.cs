namespace Containers;

/// <summary>One thing that containers need or can use, and whether this process can have it on this host.</summary>
/// <param name="Name">What it is: <c>network namespace</c>, <c>memory limit</c>.</param>
/// <param name="IsAvailable">Whether it was tried and worked.</param>
/// <param name="Detail">What was found, or why it did not work.</param>
/// <param name="Remedy">How to get it; null where it is available, or where nothing is known.</param>
public sealed record HostFeature(string Name, bool IsAvailable, string Detail, string? Remedy = null);
