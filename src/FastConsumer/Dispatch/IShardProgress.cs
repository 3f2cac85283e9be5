using FastConsumer.Processors;

namespace FastConsumer.Dispatch;

/// <summary>The two records of progress: what was dispatched, and what is done. Kept by the checkpoints, a later folder.</summary>
internal interface IShardProgress : IShardCheckpoints
{
    /// <summary>Before a lane knows the page: says what of it is done already, and the stream's time, where there is state.</summary>
    void Prepare(RecordPage page);

    /// <summary>A page goes to the lanes; the progress owns it from now on and returns it when its last record is done.</summary>
    void Dispatched(RecordPage page);

    /// <summary>Some records are done: returns the pages that are no longer needed; the number of records newly done.</summary>
    int Advance();

    /// <summary>The records behind the contiguous run of finished ones. For several lanes.</summary>
    int InFlight { get; }

    /// <summary>How many handlers wait for a checkpoint.</summary>
    int Waiting { get; }

    /// <summary>Completes when no more than <paramref name="records"/> are in flight; one caller at a time.</summary>
    Task WhenInFlightAsync(int records);

    /// <summary>Every lane has reached the barrier: everything before it is done.</summary>
    void Reached(CheckpointBarrier barrier);
}
