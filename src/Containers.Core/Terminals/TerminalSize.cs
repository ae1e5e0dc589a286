namespace Containers;

/// <summary>The size of a terminal in characters (<c>struct winsize</c>, ioctl_tty(2)).</summary>
/// <param name="Columns">Characters in a line.</param>
/// <param name="Rows">Lines on the screen.</param>
public readonly record struct TerminalSize(ushort Columns, ushort Rows);
