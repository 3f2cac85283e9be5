namespace FastConsumer.Tests.Hosting.Next;

/// <summary>The next version of the other one: its counts are ten times as large.</summary>
[KinesisProcessor("events", StateVersion = 2)]
internal sealed partial class CountingProcessor
{
    [State("counts")]
    [StateSerializer(typeof(TenfoldSerializer))]
    private partial KeyedState<long> Counts { get; }

    [State("texts")]
    [StateSerializer(typeof(NumberSerializer))]
    private partial KeyedMap<string, int> Texts { get; }

    [StateMigration("counts", From = 1)]
    private static long Migrate(int former) => former * 10L;

    [OnRecord]
    private void Handle(string text, RecordContext context)
    {
        Counts.Of(context).Edit() += 10;
        Texts.Of(context).Edit(text)++;
    }
}
