using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace QuickStart;

/// <summary>A stream of the user's, with leases on DynamoDB; region, credentials and endpoints are found as every AWS SDK finds them.</summary>
internal sealed class StreamRun(Tally tally, string stream, string application) : IRun
{
    public int? Total => null;

    public int Produced => 0;

    public int Restarts => 0;

    public int Splits => 0;

    public bool IsComplete(Snapshot now) => true;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using IHost host = Consumer.Build(
            tally,
            options => options.ApplicationName = application,
            processor => processor.Stream = stream,
            static consumer => consumer.UseDynamoDb());
        await host.StartAsync(cancellationToken);
        tally.Note($"consuming {stream} as {application}; Ctrl+C stops");
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        tally.Note("stopping: what runs is finished, checkpointed, and the shards are released");
        await host.StopAsync(CancellationToken.None);
    }
}
