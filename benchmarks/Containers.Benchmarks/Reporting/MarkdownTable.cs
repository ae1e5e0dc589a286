using System.Text;

namespace Containers.Benchmarks.Reporting;

/// <summary>A table whose first column is text and whose others are figures.</summary>
internal sealed class MarkdownTable(params string[] headings)
{
    private readonly List<string[]> _rows = [headings];

    public void Add(params string[] cells) => _rows.Add(cells);

    public override string ToString()
    {
        int[] widths = [.. Enumerable.Range(0, headings.Length).Select(column => _rows.Max(row => row[column].Length))];
        var text = new StringBuilder();
        for (int i = 0; i < _rows.Count; i++)
        {
            IEnumerable<string> cells = _rows[i].Select((cell, column) =>
                column == 0 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]));
            text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
            if (i == 0)
            {
                IEnumerable<string> rules = widths.Select((width, column) =>
                    column == 0 ? new string('-', width + 2) : new string('-', width + 1) + ':');
                text.Append('|').AppendJoin('|', rules).Append("|\n");
            }
        }

        return text.ToString();
    }
}
