using System.Collections.Concurrent;
using Amazon.Runtime;
using FastConsumer.Kinesis;

namespace FastConsumer.Hosting;

/// <summary>
/// The registered consumers that a host's processors read with. A consumer has one subscription to a shard: two processors would take
/// it from each other for ever.
/// </summary>
/// <remarks>
/// Whose stream a mere name means is not known before the service is asked. The same name counts as the same stream where endpoint,
/// profile and credentials are the same; a name and an ARN are not compared.
/// </remarks>
internal sealed class FanOutConsumers
{
    private readonly ConcurrentDictionary<Subscriber, string> _owners = [];

    /// <summary>Claims the consumers of those that read by fan-out.</summary>
    /// <exception cref="InvalidOperationException">Another processor has one of them.</exception>
    public void Claim(IEnumerable<WorkerSettings> workers)
    {
        foreach (WorkerSettings worker in workers.Where(static worker => worker.ReadMode == ReadMode.FanOut))
        {
            Subscriber subscriber = SubscriberOf(worker);
            if (!_owners.TryAdd(subscriber, worker.ProcessorName))
            {
                throw new InvalidOperationException(
                    $"{_owners[subscriber]} and {worker.ProcessorName} would read stream {worker.Stream.Name} as the same fan-out "
                        + $"consumer '{worker.ConsumerName}', and take each shard from each other: give each a ConsumerName of its own "
                        + $"(FastConsumer:Processors:{worker.ProcessorName}:ConsumerName). Where these are streams of two accounts, name "
                        + "them by their ARNs.");
            }
        }
    }

    private static Subscriber SubscriberOf(WorkerSettings worker)
    {
        var endpoints = new EndpointResolver(
            new KinesisClientOptions { ServiceUrl = worker.ServiceUrl, Region = worker.Region, Profile = worker.Profile },
            new AwsSettings(worker.Profile));
        return worker.Stream.Arn is { } arn
            ? new Subscriber(endpoints.Resolve(arn, isData: true).ToString(), null, null, arn, worker.ConsumerName)
            : new Subscriber(endpoints.Description, worker.Profile, worker.Credentials, worker.Stream.Name, worker.ConsumerName);
    }

    private sealed record Subscriber(string Endpoint, string? Profile, AWSCredentials? Credentials, string Stream, string Consumer);
}
