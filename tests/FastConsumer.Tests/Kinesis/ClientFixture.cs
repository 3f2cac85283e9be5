using Amazon.Runtime;
using FastConsumer.Kinesis;
using FastConsumer.Tests.Buffers;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Tests.Kinesis;

/// <summary>A client with everything that a test wants to see of it.</summary>
internal sealed class ClientFixture : IDisposable
{
    public static readonly StreamIdentifier Orders = StreamIdentifier.Parse("orders");

    public ClientFixture(string url, Action<KinesisClientOptions>? configure = null)
    {
        var options = new KinesisClientOptions
        {
            Credentials = new SessionAWSCredentials("AKIDEXAMPLE", "secret-of-the-test", "token-of-the-test"),
            ServiceUrl = url,
            Region = "eu-west-1",
            TimeProvider = Clock,
            RandomSeed = 1,
            Logger = Log,
        };
        configure?.Invoke(options);
        Client = new KinesisClient(options, null, Pool);
    }

    public ImpatientClock Clock { get; } = new(KinesisClientOptions.DefaultRequestTimeout);

    public CountingPool<byte> Pool { get; } = new();

    public RecordingLog Log { get; } = new();

    public KinesisClient Client { get; }

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => Client.Dispose();

    internal sealed class RecordingLog : ILogger
    {
        private readonly List<(LogLevel Level, int Id, string Text)> _entries = [];

        public IReadOnlyList<(LogLevel Level, int Id, string Text)> Entries
        {
            get
            {
                lock (_entries)
                {
                    return [.. _entries];
                }
            }
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_entries)
            {
                _entries.Add((logLevel, eventId.Id, formatter(state, exception)));
            }
        }
    }
}
