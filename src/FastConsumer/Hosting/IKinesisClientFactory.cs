using FastConsumer.Kinesis;

namespace FastConsumer.Hosting;

/// <summary>Makes the client of one processor's worker. A simulation registers its own.</summary>
internal interface IKinesisClientFactory
{
    /// <summary>Makes the client; finding region and credentials may fail, with a message that says where they are looked for.</summary>
    IKinesisClient Create(WorkerSettings settings);
}
