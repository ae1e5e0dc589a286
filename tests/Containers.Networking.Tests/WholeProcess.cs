namespace Containers.Tests;

/// <summary>Tests that look at the whole process, or change what all of it has, run alone.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class WholeProcess
{
    public const string Name = "Whole process";
}
