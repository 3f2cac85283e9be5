using Spectre.Console;

namespace FastConsumer.Cli.Output;

/// <summary>A table: columns without lines between them, as wide as what is in them. The last cells of a row may be missing.</summary>
internal sealed class TextTable
{
    private readonly Table _table = new Table().NoBorder();
    private int _rows;

    public TextTable(params ReadOnlySpan<string> columns)
    {
        foreach (string column in columns)
        {
            _table.AddColumn(new TableColumn(new Text(column, new Style(decoration: Decoration.Bold)))
            {
                NoWrap = true,
                Padding = new Padding(0, 0, 2, 0),
            });
        }
    }

    /// <summary>Adds a row. What comes from outside is shown as it is: no cell is markup.</summary>
    public void Add(params ReadOnlySpan<string?> cells)
    {
        List<Text> texts = [];
        foreach (string? cell in cells)
        {
            texts.Add(new Text(Printable(cell)));
        }

        _table.AddRow(texts);
        _rows++;
    }

    /// <summary>Writes it; where it has no row, <paramref name="nothing"/> instead.</summary>
    public void WriteTo(IAnsiConsole console, string nothing)
    {
        if (_rows == 0)
        {
            console.WriteLine(nothing);
        }
        else
        {
            console.Write(_table);
        }
    }

    /// <summary>A cell of one line, whatever a row of the table holds: control characters could rewrite the terminal.</summary>
    private static string Printable(string? text) => string.IsNullOrEmpty(text)
        ? "-"
        : string.Concat(text.Select(static letter => char.IsControl(letter) ? '?' : letter));
}
