using FastConsumer.Testing.Engine;

namespace FastConsumer.Testing.Tests.Engine;

/// <summary>What belongs to the account: limits, and the commitment to a minimum throughput.</summary>
public sealed class AccountTests : EngineTest
{
    [Fact]
    public void Limits_count_what_is_there()
    {
        Assert.Equal(new DescribeLimitsResult(40, 0, 0, 50), Engine.DescribeLimits());
        Create(3);
        Create(null, StreamModes.OnDemand, "o");
        Assert.Equal(new DescribeLimitsResult(40, 7, 1, 50), Engine.DescribeLimits());
    }

    [Fact]
    public void Fifty_streams_are_on_demand_at_most()
    {
        var engine = new KinesisEngine(new EngineSettings { Clock = Clock });
        for (int i = 0; i < 50; i++)
        {
            engine.CreateStream(new CreateStreamRequest($"s{i}", null, StreamModes.OnDemand));
        }

        Refused(Limit, () => engine.CreateStream(new CreateStreamRequest("more", null, StreamModes.OnDemand)), "50 streams");
        engine.CreateStream(new CreateStreamRequest("p", 1));
        Refused(Limit, () => engine.UpdateStreamMode(new UpdateStreamModeRequest(Arn("p"), StreamModes.OnDemand)), "50 streams");
        engine.DeleteStream(new DeleteStreamRequest(new StreamReference("s0", null)));
        engine.UpdateStreamMode(new UpdateStreamModeRequest(Arn("p"), StreamModes.OnDemand));
    }

    [Fact]
    public void A_commitment_lasts_a_day_at_least()
    {
        Assert.Equal(new CommitmentView("DISABLED", null, null, null), Engine.DescribeAccountSettings());
        Assert.Equal("DISABLED", Engine.UpdateAccountSettings("DISABLED").Status);
        long started = Clock.GetUtcNow().ToUnixTimeMilliseconds();
        long end = started + (24 * 3_600_000L);
        var enabled = new CommitmentView("ENABLED", started, null, end);
        Assert.Equal(enabled, Engine.UpdateAccountSettings("ENABLED"));
        Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(enabled, Engine.UpdateAccountSettings("ENABLED"));
        CommitmentView ending = enabled with { Status = "ENABLED_UNTIL_EARLIEST_ALLOWED_END" };
        Assert.Equal(ending, Engine.UpdateAccountSettings("DISABLED"));
        Assert.Equal(ending, Engine.UpdateAccountSettings("DISABLED"));
        Assert.Equal(enabled, Engine.UpdateAccountSettings("ENABLED"));
        Engine.UpdateAccountSettings("DISABLED");
        Clock.Advance(TimeSpan.FromHours(23));
        Assert.Equal(new CommitmentView("DISABLED", started, end, end), Engine.DescribeAccountSettings());
    }

    [Fact]
    public void After_a_day_a_commitment_ends_at_once()
    {
        Engine.UpdateAccountSettings("ENABLED");
        Clock.Advance(TimeSpan.FromHours(25));
        CommitmentView ended = Engine.UpdateAccountSettings("DISABLED");
        Assert.Equal(("DISABLED", Clock.GetUtcNow().ToUnixTimeMilliseconds()), (ended.Status, ended.EndedMs));
        Refused(Validation, () => Engine.UpdateAccountSettings("PERHAPS"));
        Refused(Validation, () => Engine.UpdateAccountSettings(null));
    }

    [Fact]
    public void With_a_commitment_a_stream_has_fifty_consumers()
    {
        Create();
        Register(0, 20);
        Refused(Limit, () => Register(20, 1), "20");
        Engine.UpdateAccountSettings("ENABLED");
        Register(20, 30);
        Refused(Limit, () => Register(50, 1), "50");
    }

    private void Register(int from, int count)
    {
        for (int i = from; i < from + count; i++)
        {
            Engine.RegisterStreamConsumer(new RegisterStreamConsumerRequest(Arn(), $"c{i}"));
        }
    }
}
