using System.Globalization;
using System.Text;
using FastConsumer.Diagnostics;

namespace FastConsumer.Docs.Tests.Reference;

/// <summary>docs/telemetry.md lists every instrument of the catalogue, with its tags and buckets.</summary>
public sealed class TelemetryTests
{
    private const string Page = "docs/telemetry.md";

    private static IEnumerable<InstrumentInfo> Instruments =>
        InstrumentCatalog.All.OrderBy(static info => info.Name, StringComparer.Ordinal);

    /// <summary>As the meter is made of them.</summary>
    private static IEnumerable<InstrumentInfo> Declared => typeof(InstrumentCatalog).GetProperties()
        .Where(static property => property.PropertyType == typeof(InstrumentInfo))
        .Select(static property => (InstrumentInfo)property.GetValue(null)!)
        .OrderBy(static info => info.Name, StringComparer.Ordinal);

    [Fact]
    public void Every_instrument_is_listed()
    {
        var table = new StringBuilder("| name | kind | unit | tags | what it tells |\n| --- | --- | --- | --- | --- |\n");
        foreach (InstrumentInfo info in Instruments)
        {
            IEnumerable<string> tags = info.ByShard ? info.Tags.Prepend(ShardTelemetry.ShardTag) : info.Tags;
            string names = string.Join(", ", tags.Select(static tag => $"`{tag}`"));
            table.Append(null, $"| `{info.Name}` | {info.Kind} | {info.Unit} | {names} | {GeneratedTable.Cell(info.Description)} |\n");
        }

        GeneratedTable.Matches(Page, "instruments", table.ToString());
    }

    [Fact]
    public void Every_histogram_has_its_buckets()
    {
        var table = new StringBuilder("| histogram | unit | where its buckets end |\n| --- | --- | --- |\n");
        foreach (InstrumentInfo info in Declared.Where(static info => info.Kind == InstrumentKind.Histogram))
        {
            Assert.NotNull(info.Boundaries);
            string ends = string.Join("; ", info.Boundaries.Select(static end => end.ToString("#,0.######", CultureInfo.InvariantCulture)));
            table.Append(null, $"| `{info.Name}` | {info.Unit} | {ends} |\n");
        }

        GeneratedTable.Matches(Page, "buckets", table.ToString());
    }

    [Fact]
    public void Every_tag_is_explained()
    {
        string[] firstCells =
        [
            .. Pages.Text(Page).Split('\n').Where(static line => line.StartsWith('|')).Select(static line => line.Split('|')[1]),
        ];

        Assert.DoesNotContain(
            InstrumentCatalog.All.SelectMany(static info => info.Tags)
                .Concat([ShardTelemetry.ApplicationTag, ShardTelemetry.StreamTag, ShardTelemetry.ShardTag]),
            tag => !firstCells.Any(cell => cell.Contains($"`{tag}`", StringComparison.Ordinal)));
    }

    [Fact]
    public void Every_state_is_explained()
    {
        string page = Pages.Text(Page);

        Assert.DoesNotContain(
            Enum.GetNames<ShardState>(),
            state => !page.Contains($"\n| `{state.ToLowerInvariant()}` |", StringComparison.Ordinal));
    }
}
