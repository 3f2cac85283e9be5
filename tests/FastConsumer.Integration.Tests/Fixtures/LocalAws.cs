using Amazon.DynamoDBv2;
using FastConsumer.Integration.Tests.Fixtures;

[assembly: AssemblyFixture(typeof(LocalAws))]

namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>
/// What all end-to-end tests share: kinesis-local and dynoxide, a producer on the AWS SDK for JavaScript, and a client that
/// reads lease tables as a stranger would. Streams and tables are told apart by names of each test's own.
/// </summary>
public sealed class LocalAws : IAsyncLifetime
{
    /// <summary>The region of every server here.</summary>
    public const string Region = "us-east-1";

    private readonly KinesisLocalServer _kinesis = new();
    private readonly DynoxideServer _dynamo = new();
    private SdkProducer? _producer;
    private AmazonDynamoDBClient? _tables;

    public string KinesisUrl => _kinesis.ServiceUrl;

    public string DynamoUrl => _dynamo.ServiceUrl;

    public SdkProducer Producer => _producer ?? throw new InvalidOperationException("The servers have not started.");

    public AmazonDynamoDBClient Tables => _tables ?? throw new InvalidOperationException("The servers have not started.");

    public async ValueTask InitializeAsync()
    {
        await _kinesis.InitializeAsync();
        await _dynamo.InitializeAsync();
        _tables = LeaseRows.Client(DynamoUrl);
        _producer = await SdkProducer.StartAsync(KinesisUrl, TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_producer is not null)
            await _producer.DisposeAsync();
        _tables?.Dispose();
        await _dynamo.DisposeAsync();
        await _kinesis.DisposeAsync();
    }
}
