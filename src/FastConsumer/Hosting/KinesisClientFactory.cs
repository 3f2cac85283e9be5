using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Hosting;

/// <inheritdoc/>
internal sealed class KinesisClientFactory(TimeProvider time, RandomSource random, ILoggerFactory loggers) : IKinesisClientFactory
{
    public IKinesisClient Create(WorkerSettings settings) => new KinesisClient(new KinesisClientOptions
    {
        Credentials = settings.Credentials,
        Profile = settings.Profile,
        Region = settings.Region,
        ServiceUrl = settings.ServiceUrl,
        Protocol = settings.Protocol,
        StreamWindowBytes = settings.StreamWindowBytes,
        TimeProvider = time,
        RandomSeed = random.Create().Next(),
        Logger = new GuardedLogger(loggers.CreateLogger("FastConsumer.Kinesis"), CallbackGuard.Silent),
    });
}
