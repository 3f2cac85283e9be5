using System.Buffers;
using Amazon.Runtime;
using Amazon.S3;
using FastConsumer.Checkpoints;
using FastConsumer.Testing;
using FastConsumer.Testing.Checkpoints;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastConsumer.S3.Tests;

/// <summary>An S3 of its own for each test, with a bucket.</summary>
public abstract class S3Test : IAsyncLifetime
{
    internal const string Name = "state";

    private readonly List<IDisposable> _opened = [];

    internal EmbeddedS3 S3 { get; private set; } = null!;

    internal static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        S3 = await EmbeddedS3.StartAsync(cancellationToken: Cancellation);
        S3.CreateBucket(Name);
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (IDisposable one in _opened)
        {
            one.Dispose();
        }

        await S3.DisposeAsync();
    }

    /// <summary>Content that differs from seed to seed.</summary>
    internal static byte[] Bytes(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    internal S3CheckpointStore Open(Action<S3CheckpointOptions>? configure = null, TimeProvider? time = null)
    {
        var options = new S3CheckpointOptions
        {
            Bucket = Name,
            Prefix = "snapshots",
            ServiceUrl = S3.ServiceUrl,
            Region = S3.Region,
            Credentials = new BasicAWSCredentials("test", "test"),
        };
        configure?.Invoke(options);
        var store = new S3CheckpointStore(
            options, () => new S3Connection(options), new Random(1), time ?? TimeProvider.System, NullLogger.Instance);
        _opened.Add(store);
        return store;
    }

    /// <summary>The SDK's own client, which tries once.</summary>
    internal AmazonS3Client Client()
    {
        var client = new AmazonS3Client(new BasicAWSCredentials("test", "test"), new AmazonS3Config
        {
            ServiceURL = S3.ServiceUrl,
            AuthenticationRegion = S3.Region,
            ForcePathStyle = true,
            MaxErrorRetry = 0,
        });
        _opened.Add(client);
        return client;
    }

    internal static Task CreateAsync(ICheckpointStore store, byte[] content, string name = "orders/1") =>
        store.CreateAsync(name, new ReadOnlySequence<byte>(content), Cancellation);

    internal static async Task<CheckpointStoreException> FailsAsync(Func<Task> call) =>
        await Assert.ThrowsAnyAsync<CheckpointStoreException>(call);

    internal static async Task<List<string>> NamesAsync(ICheckpointStore store)
    {
        List<string> names = [];
        await foreach (CheckpointObject one in store.ListAsync("", Cancellation))
        {
            names.Add(one.Name);
        }

        return names;
    }

    internal sealed class Place(S3Test test, Action<S3CheckpointOptions>? configure = null) : CheckpointStoreUnderTest
    {
        public override ICheckpointStore Open() => test.Open(configure);
    }
}
