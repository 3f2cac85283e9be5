using FastConsumer;

namespace UpgradeSample.Version2;

/// <summary>Counts the events of each region, and remembers the strongest one. The state has another type since.</summary>
[KinesisProcessor("seismic-events", JsonContext = typeof(SeismicJson), StateVersion = 2)]
[Checkpoint(Interval = "00:00:00.5", Records = 0)]
public sealed partial class RegionProcessor
{
    [State("regions")]
    private partial KeyedState<Region> Regions { get; }

    [StateMigration("regions", From = 1)]
    private static Region FromVersion1(int events) => new(events, Strongest: null);

    [OnRecord]
    public void Handle(SeismicEvent quake, RecordContext context)
    {
        StateValue<Region> region = Regions.Of(context);
        Region before = region.Value ?? new Region(0, null);
        double? strongest = before.Strongest is { } magnitude ? Math.Max(magnitude, quake.Mag ?? magnitude) : quake.Mag;
        region.Set(new Region(before.Events + 1, strongest));
    }
}
