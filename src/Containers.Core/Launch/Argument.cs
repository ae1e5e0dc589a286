namespace Containers.Launch;

internal enum ArgumentKind : byte
{
    None,
    Number,

    /// <summary>The value is in a cell, where an earlier step put it.</summary>
    Cell,

    /// <summary>The address of NUL-terminated text in the program's data.</summary>
    Text,

    /// <summary>The address of anything else in the program's data.</summary>
    Data,
}

/// <summary>An argument of a step.</summary>
internal readonly record struct Argument(ulong Value, ArgumentKind Kind)
{
    public static implicit operator Argument(int value) => new((ulong)value, ArgumentKind.Number);

    public static implicit operator Argument(uint value) => new(value, ArgumentKind.Number);

    public static implicit operator Argument(long value) => new((ulong)value, ArgumentKind.Number);

    public static implicit operator Argument(ulong value) => new(value, ArgumentKind.Number);

    public static implicit operator Argument(Cell cell) => new(cell.Address, ArgumentKind.Cell);
}

/// <summary>Eight bytes of the program's data that a step's result goes to and later steps take as an argument.</summary>
internal readonly record struct Cell(ulong Address);
