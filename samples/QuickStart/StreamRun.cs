using FastConsumer.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace QuickStart;

/// <summary>Where leases and checkpoints are kept.</summary>
internal enum LeasePlace
{
    /// <summary>In a DynamoDB table, so that the next run goes on where this one ended.</summary>
    DynamoDb,

    /// <summary>In this process: the next run begins at the oldest record again.</summary>
    Memory,
}

/// <summary>A stream of the user's; region, credentials and endpoints are found as every AWS SDK finds them.</summary>
internal sealed class StreamRun(Tally tally, string stream, string application, LeasePlace leases) : IRun
{
    public int? Total => null;

    public int Produced => 0;

    public int Restarts => 0;

    public int Splits => 0;

    public bool IsComplete(Snapshot now) => true;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        tally.Note($"Kinesis: {Endpoint("KINESIS")}");
        tally.Note(leases == LeasePlace.Memory
            ? "leases: in the memory of this process"
            : $"leases: table {application} of DynamoDB, {Endpoint("DYNAMODB")}; --leases memory needs none");
        using IHost host = Consumer.Build(
            tally,
            options => options.ApplicationName = application,
            processor => processor.Stream = stream,
            consumer => Choose(consumer));
        await host.StartAsync(cancellationToken);
        tally.Note($"consuming {stream} as {application}; Ctrl+C stops");
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        tally.Note("stopping: what runs is finished, checkpointed, and the shards are released");
        await host.StopAsync(CancellationToken.None);
    }

    private static string Endpoint(string service) =>
        Environment.GetEnvironmentVariable($"AWS_ENDPOINT_URL_{service}") ?? Environment.GetEnvironmentVariable("AWS_ENDPOINT_URL")
            ?? $"on AWS (AWS_ENDPOINT_URL_{service} is not set)";

    private FastConsumerBuilder Choose(FastConsumerBuilder consumer) =>
        leases == LeasePlace.Memory ? consumer.UseInMemoryLeases() : consumer.UseDynamoDb();
}
