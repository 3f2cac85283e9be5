namespace FastConsumer.LoadTest.Pipeline;

/// <summary>
/// The generated pipeline against the hand-written loop, for one kind of handler and one size: medians of rounds in which each has its
/// turn.
/// </summary>
internal sealed record PipelineFigures
{
    public required string Handler { get; init; }

    public required int Size { get; init; }

    public required int Rounds { get; init; }

    /// <summary>CPU nanoseconds per record.</summary>
    public required double Generated { get; init; }

    public required double HandWritten { get; init; }

    /// <summary>The median of each round's ratio.</summary>
    public required double Ratio { get; init; }

    /// <summary>Bytes that one page of records takes from the heap, without the page itself.</summary>
    public required long GeneratedAllocated { get; init; }

    public required long HandWrittenAllocated { get; init; }
}
