namespace FastConsumer.CloudWatch;

/// <summary>Where lines go. Used by one caller at a time.</summary>
internal interface IEmfSink : IDisposable
{
    /// <summary>What it is called in the log.</summary>
    string Name { get; }

    /// <summary>Writes lines, each with its line feed. A failure is thrown; the lines are lost then.</summary>
    Task WriteAsync(IReadOnlyList<ReadOnlyMemory<byte>> lines, CancellationToken cancellationToken);
}
