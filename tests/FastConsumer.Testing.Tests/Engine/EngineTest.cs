using FastConsumer.Testing.Engine;

namespace FastConsumer.Testing.Tests.Engine;

/// <summary>An engine on a clock that the test moves, with one stream <c>s</c> or more.</summary>
public abstract class EngineTest
{
    private protected const string Limit = "LimitExceededException";
    private protected const string Argument = "InvalidArgumentException";
    private protected const string Validation = "ValidationException";
    private protected const string InUse = "ResourceInUseException";
    private protected const string NotFound = "ResourceNotFoundException";
    private protected static readonly TimeSpan UpdateDelay = TimeSpan.FromSeconds(30);

    private protected EngineTest() => Engine = new KinesisEngine(new EngineSettings
    {
        Clock = Clock,
        CreateDelay = TimeSpan.FromSeconds(10),
        UpdateDelay = UpdateDelay,
        ShardLimit = 40,
    });

    private protected ManualClock Clock { get; } = new();

    private protected KinesisEngine Engine { get; }

    private protected static StreamReference S { get; } = new("s", null);

    private protected static string Arn(string stream = "s") => $"arn:aws:kinesis:us-east-1:000000000000:stream/{stream}";

    /// <summary>Creates a stream and waits until it is ACTIVE.</summary>
    private protected void Create(int? shards = 1, string mode = StreamModes.Provisioned, string name = "s")
    {
        Engine.CreateStream(new CreateStreamRequest(name, shards, mode));
        Clock.Advance(TimeSpan.FromSeconds(10));
    }

    /// <summary>Makes a change that takes the update delay.</summary>
    private protected void Change(Action change)
    {
        change();
        Assert.Equal(StreamStatus.Updating, View().Status);
        Clock.Advance(UpdateDelay);
        Assert.Equal(StreamStatus.Active, View().Status);
    }

    private protected StreamView View() => Engine.DescribeStreamSummary(S);

    private protected PutResult Put(string? key = "k", string? explicitHashKey = null, int bytes = 1) =>
        Engine.PutRecord(new PutRecordRequest(S, new PutEntry(new byte[bytes], key, explicitHashKey)));

    private protected GetRecordsResult Read(string shardId = "shardId-000000000000") => Engine.GetRecords(new GetRecordsRequest(
        Engine.GetShardIterator(new GetShardIteratorRequest(S, shardId, "TRIM_HORIZON"))));

    private protected static void Refused(string errorCode, Action call, string? text = null)
    {
        EngineException refusal = Assert.Throws<EngineException>(call);
        Assert.True(refusal.ErrorCode == errorCode, $"{refusal.ErrorCode}: {refusal.Message}");
        if (text is not null)
        {
            Assert.Contains(text, refusal.Message, StringComparison.Ordinal);
        }
    }
}
