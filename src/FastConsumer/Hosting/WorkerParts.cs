using FastConsumer.Buffers;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Reading;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Hosting;

/// <summary>What the shards of one processor share.</summary>
internal sealed record WorkerParts(
    WorkerSettings Settings,
    ProcessorRegistration Processor,
    IServiceProvider Services,
    IKinesisClient Client,
    ByteBudget Budget,
    TimeProvider Time,
    RandomSource Random,
    ConsumerMetrics Metrics,
    ConsumerHealth Health,
    ILogger Log,
    IDeadLetterSink? DeadLetters)
{
    /// <summary>The registered consumer; null where shards are polled.</summary>
    public FanOutConsumer? FanOut { get; init; }

    /// <summary>A name of this process's that no other has: each take notes it.</summary>
    public required string Session { get; init; }

    /// <summary>The stream's key, for messages.</summary>
    public StreamKey StreamKey { get; } = new(Client, Settings.Stream, Time);

    /// <summary>What the worker and all of its shards run on.</summary>
    public TaskScheduler Scheduler { get; init; } = TaskScheduler.Default;
}
