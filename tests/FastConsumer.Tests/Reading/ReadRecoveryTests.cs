using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Reading;
using FastConsumer.Testing;
using FastConsumer.Tests.Hosting;
using FastConsumer.Tests.Dispatch;

namespace FastConsumer.Tests.Reading;

public sealed class ReadRecoveryTests : IDisposable
{
    private static readonly KinesisException s_refusal = new("refused", KinesisErrorKind.ResourceInUse);

    private readonly ManualClock _clock = new();
    private readonly Findings _findings = new(TimeProvider.System);
    private readonly LogRecorder _log = new();
    private readonly ReadRecovery _recovery;

    public ReadRecoveryTests()
    {
        var settings = new ShardReaderSettings(
            StreamIdentifier.Parse("events"), Pages.Of("events", "shardId-000000000000", time: _clock), CheckpointPosition.TrimHorizon,
            null, false, 100, TimeSpan.FromMilliseconds(200));
        _recovery = new ReadRecovery(settings, _clock, new Random(1), _findings, _log.CreateLogger("reader"));
    }

    public void Dispose() => _log.Dispose();

    [Fact]
    public void Refusals_in_a_row_are_said_once_and_those_of_long_ago_do_not_count()
    {
        for (int i = 0; i < 20; i++)
        {
            _recovery.Refused(s_refusal);
            _clock.Advance(TimeSpan.FromMinutes(6));
        }

        Assert.Empty(_findings.Current);
        for (int i = 0; i < 10; i++)
        {
            _recovery.Refused(s_refusal, " Look there.");
            _clock.Advance(TimeSpan.FromSeconds(20));
        }

        Assert.EndsWith("refused Look there.", Assert.Single(_findings.Current).Message, StringComparison.Ordinal);
        Assert.Single(_log.Of(2007));
        _recovery.Succeeded(isSettled: false);
        Assert.Single(_findings.Current);
        _recovery.Succeeded();
        Assert.Empty(_findings.Current);
    }

    [Fact]
    public void Who_stands_still_at_the_same_position_again_is_degraded_until_it_moves()
    {
        _recovery.StoodStill("It stops.");
        Assert.Empty(_findings.Current);
        _recovery.StoodStill("It stops.");
        _recovery.Succeeded();
        Assert.Contains(
            "stood still 2 times in a row. It stops.", Assert.Single(_findings.Current).Message, StringComparison.Ordinal);
        _recovery.Advanced();
        Assert.Empty(_findings.Current);
    }
}
