namespace FastConsumer.LoadTest.Quota;

/// <summary>Takes records and does nothing else than to note when they came.</summary>
[KinesisProcessor("quota")]
public sealed partial class QuotaProcessor(Arrivals arrivals)
{
    [OnRecord]
    private void OnRecord(ReadOnlySpan<byte> payload) => arrivals.Add(payload);
}
