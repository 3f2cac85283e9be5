using FastConsumer;

namespace UpgradeSample.Version1;

/// <summary>Counts the events of each region.</summary>
[KinesisProcessor("seismic-events", JsonContext = typeof(SeismicJson))]
[Checkpoint(Interval = "00:00:00.5", Records = 0)]
public sealed partial class RegionProcessor
{
    [State("regions")]
    private partial KeyedState<int> Regions { get; }

    [OnRecord]
    public void Handle(SeismicEvent quake, RecordContext context) => Regions.Of(context).Edit()++;
}
