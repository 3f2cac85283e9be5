using System.Diagnostics.Metrics;
using System.Reflection;
using System.Text;
using FastConsumer.Hosting;

namespace FastConsumer.Docs.Tests.Reference;

/// <summary>docs/reference/metrics.md lists every instrument of every meter.</summary>
public sealed class MetricsTests
{
    [Fact]
    public void Every_instrument_is_listed()
    {
        var table = new StringBuilder("| meter | name | kind | unit | what it counts |\n| --- | --- | --- | --- | --- |\n");
        foreach (Instrument instrument in Instruments()
            .OrderBy(static one => one.Meter.Name, StringComparer.Ordinal)
            .ThenBy(static one => one.Name, StringComparer.Ordinal))
        {
            string kind = instrument.GetType().Name.Split('`')[0];
            Assert.False(string.IsNullOrEmpty(instrument.Description), $"{instrument.Name} has no description.");
            string description = GeneratedTable.Cell(instrument.Description);
            table.Append(null, $"| `{instrument.Meter.Name}` | `{instrument.Name}` | {kind} | {instrument.Unit} | {description} |\n");
        }

        GeneratedTable.Matches("docs/reference/metrics.md", "metrics", table.ToString());
    }

    /// <summary>Makes everything in FastConsumer that is made of an <see cref="IMeterFactory"/> alone.</summary>
    private static List<Instrument> Instruments()
    {
        List<Instrument> instruments = [];
        using var meters = new Meters();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (meters.All.Contains(instrument.Meter))
                {
                    instruments.Add(instrument);
                }
            },
        };
        listener.Start();
        foreach (ConstructorInfo constructor in typeof(ConsumerSettings).Assembly.GetTypes()
            .SelectMany(static type => type.GetConstructors(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance))
            .Where(static constructor => constructor.GetParameters() is [{ } only] && only.ParameterType == typeof(IMeterFactory)))
        {
            constructor.Invoke([meters]);
        }

        Assert.NotEmpty(instruments);
        return instruments;
    }

    private sealed class Meters : IMeterFactory
    {
        public List<Meter> All { get; } = [];

        public Meter Create(MeterOptions options)
        {
            var meter = new Meter(options.Name, options.Version, options.Tags, scope: this);
            All.Add(meter);
            return meter;
        }

        public void Dispose() => All.ForEach(static meter => meter.Dispose());
    }
}
