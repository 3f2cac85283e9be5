namespace FastConsumer.Testing.Harness;

/// <summary>What a <see cref="ProcessorHarness"/> is told once, at its start.</summary>
public sealed class ProcessorHarnessOptions
{
    /// <summary>The default of <see cref="WaitTimeout"/>.</summary>
    public static readonly TimeSpan DefaultWaitTimeout = TimeSpan.FromSeconds(30);

    /// <summary>The shards of the processor's stream; 1 by default.</summary>
    public int ShardCount { get; init; } = 1;

    /// <summary>
    /// How long a wait may take before it fails; 30 s by default. It is not what a test waits for when all is well, so it may be
    /// generous: builds run on busy machines.
    /// </summary>
    public TimeSpan WaitTimeout { get; init; } = DefaultWaitTimeout;

    /// <summary>Ends every wait, and a start: the token of the test's runner, which saves passing it to each call.</summary>
    public CancellationToken CancellationToken { get; init; }

    /// <summary>The stream's server; null for the defaults of <see cref="EmbeddedKinesisOptions"/>.</summary>
    public EmbeddedKinesisOptions? Kinesis { get; init; }

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ShardCount, 1, nameof(ShardCount));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(WaitTimeout, TimeSpan.Zero, nameof(WaitTimeout));
    }
}
