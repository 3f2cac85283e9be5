using Amazon.Runtime;
using FastConsumer.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Integration.Tests.EndToEnd;

/// <summary>A worker in a host of its own, as a program of a user's would have it. Its lease table is named after the stream.</summary>
internal sealed class TestWorker : IAsyncDisposable
{
    private readonly IHost _host;

    private TestWorker(IHost host, CapturedLog log)
    {
        _host = host;
        Log = log;
    }

    public CapturedLog Log { get; }

    public static async Task<TestWorker> StartAsync(
        Journal journal, string kinesisUrl, string dynamoUrl, string stream, Action<FastConsumerOptions>? configure = null)
    {
        var credentials = new BasicAWSCredentials("test", "test");
        var log = new CapturedLog();
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddProvider(log).SetMinimumLevel(LogLevel.Debug);
        builder.Services.AddSingleton(journal);
        builder.Services
            .AddFastConsumer(options =>
            {
                options.ApplicationName = stream;
                options.ServiceUrl = kinesisUrl;
                options.Region = Fixtures.LocalAws.Region;
                options.Credentials = credentials;
                options.RetryInitialBackoff = TimeSpan.FromMilliseconds(20);
                configure?.Invoke(options);
            })
            .AddProcessor<JournalProcessor>(options => options.Stream = stream)
            .UseDynamoDb(options =>
            {
                options.ServiceUrl = dynamoUrl;
                options.Region = Fixtures.LocalAws.Region;
                options.Credentials = credentials;
            });
        var worker = new TestWorker(builder.Build(), log);
        await worker._host.StartAsync(TestContext.Current.CancellationToken);
        return worker;
    }

    /// <summary>Stops gracefully.</summary>
    public Task StopAsync() => _host.StopAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        // of a test that failed before its own stop
        await _host.StopAsync(CancellationToken.None);
        _host.Dispose();
    }
}
