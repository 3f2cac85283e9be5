using Amazon.Runtime;
using FastConsumer.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace StateSample;

/// <summary>Where the stream, the leases and the state are.</summary>
/// <param name="KinesisUrl">The stream's server.</param>
/// <param name="DynamoDbUrl">The leases' server.</param>
/// <param name="State">A bucket's server, or a folder.</param>
internal sealed record Servers(string KinesisUrl, string DynamoDbUrl, string State)
{
    public const string Application = "state-sample";
    public const string Bucket = "state";

    /// <summary>For all servers.</summary>
    public static BasicAWSCredentials Credentials { get; } = new("embedded", "embedded");

    /// <summary>What an application's Program.cs would have.</summary>
    public void AddConsumer(IServiceCollection services)
    {
        FastConsumerBuilder consumer = services
            .AddFastConsumer(options =>
            {
                options.ApplicationName = Application;
                options.ServiceUrl = KinesisUrl;
                options.Region = "us-east-1";
                options.Credentials = Credentials;
                // the former worker was killed: its shards are free after that
                options.LeaseDuration = TimeSpan.FromSeconds(2);
                options.ShardSyncInterval = TimeSpan.FromSeconds(2);
            })
            .AddProcessor<QuakeProcessor>()
            .UseDynamoDb(options =>
            {
                options.ServiceUrl = DynamoDbUrl;
                options.Region = "us-east-1";
                options.Credentials = Credentials;
            });
        if (State.StartsWith("http", StringComparison.Ordinal))
        {
            consumer.UseS3Checkpoints(Bucket, "quakes", options =>
            {
                options.ServiceUrl = State;
                options.Region = "us-east-1";
                options.Credentials = Credentials;
            });
        }
        else
        {
            consumer.UseLocalCheckpoints(State);
        }
    }
}
