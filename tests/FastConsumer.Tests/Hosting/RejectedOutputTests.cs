using FastConsumer.Diagnostics;
using FastConsumer.Hosting;
using FastConsumer.Leases;
using FastConsumer.Processors;
using FastConsumer.Testing.Positions;
using FastConsumer.Tests.Hosting.Outputs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastConsumer.Tests.Hosting;

/// <summary>Values that a sink will never take: the processor's rule decides, about the value and nothing else.</summary>
public sealed class RejectedOutputTests : OutputTest
{
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task A_value_that_its_sink_will_never_take_is_left_out_alone_where_a_rule_says_so(bool withTransactions, bool saysWhich)
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(60, keys: 10);
        string unwanted = Expected(texts)[25];
        Writer.Fails = values => values.ToList().FindIndex(text => text == unwanted) is >= 0 and int index
            ? new RejectedOutputException(saysWhich ? index : null, "It is too long.")
            : null;
        await using WorkerHost host = Build<OutputProcessor>(output => withTransactions
            ? output.ToTransaction<InMemoryTransaction>(_ => Positions, _ => Writer)
            : output.To<FailingSink>());
        await host.StartAsync();
        string[] expected = [.. Expected(texts).Where(text => text != unwanted)];
        await Effects.WaitForAsync(expected, host.Log);
        await host.WaitForLogAsync(2427);
        await CheckpointedAsync(host);
        await host.StopAsync();
        Assert.Equal(expected.Order(StringComparer.Ordinal), Effects.All.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Without_a_rule_a_value_that_its_sink_will_never_take_ends_the_run_and_nothing_is_left_out()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(5, keys: 5);
        Writer.Fails = static _ => new RejectedOutputException(0, "It is too long.");
        await using WorkerHost host = BuildInTransactions<OutputOnlyProcessor>();
        await host.StartAsync();
        string said = await host.WaitForHealthAsync(HealthStatus.Unhealthy);
        Assert.Contains("will never take value 0 of the output 'rows' for record", said, StringComparison.Ordinal);
        Assert.Contains("It is too long.", said, StringComparison.Ordinal);
        Assert.Contains("ErrorAction.Skip", said, StringComparison.Ordinal);
        Assert.Equal(CheckpointKind.TrimHorizon, Rows.Single().Checkpoint.Kind);
        Assert.Empty(Effects.All);

        Writer.Fails = static _ => null;
        await Effects.WaitForAsync([.. texts.SelectMany(static text => new[] { $"{text} is 1", $"{text} is 2" })], host.Log);
        await host.StopAsync();
        Assert.Equal(10, Effects.All.Count);
    }

    [Fact]
    public async Task A_record_that_adds_more_than_its_sink_takes_is_refused_at_Add()
    {
        Kinesis.CreateStream(Stream);
        Positions.MostOutputs = 1;
        Put(1, keys: 1);
        await using WorkerHost host = BuildInTransactions<OutputOnlyProcessor>();
        await host.StartAsync();
        await Eventually.TrueAsync(
            () => host.Log.ToString().Contains("A record adds more than 1 values to the output 'rows'", StringComparison.Ordinal),
            () => host.Log.ToString());
        await host.StopAsync();
        Assert.Empty(Effects.All);
    }

    [Fact]
    public async Task A_rule_about_refused_values_does_not_leave_out_what_is_too_much_for_the_sink()
    {
        Kinesis.CreateStream(Stream);
        Positions.MostOutputs = 4;
        Put(10, keys: 1);
        await using WorkerHost host = BuildInTransactions<SkippingBatchProcessor>();
        await host.StartAsync();
        await Eventually.TrueAsync(
            () => host.Log.ToString().Contains("A batch adds more than 4 values to the output 'rows'", StringComparison.Ordinal),
            () => host.Log.ToString());
        await host.StopAsync();
        Assert.Empty(Effects.All);
        Assert.Equal(CheckpointKind.TrimHorizon, Rows.Single().Checkpoint.Kind);
        Assert.Empty(host.Log.Of(2427));
    }

    [Fact]
    public async Task A_handler_may_fail_the_record_whose_value_is_too_much_for_the_sink()
    {
        Kinesis.CreateStream(Stream);
        Positions.MostOutputs = 9;
        List<string> texts = Put(10, keys: 1);
        await using WorkerHost host = BuildInTransactions<SkippingBatchProcessor>();
        await host.StartAsync();
        await CheckpointedAsync(host);
        await host.StopAsync();
        Assert.Equal(texts[..9].Select(static text => $"{text} is 1"), Effects.All);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Of_a_batch_whose_sink_does_not_say_which_value_it_refuses_one_is_left_out_or_all(int unwanted)
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(10, keys: 1);
        HashSet<string> refused = [.. texts.Where(static text => text.EndsWith('3') || text.EndsWith('6')).Take(unwanted)];
        Writer.Fails = values => values.Any(value => refused.Any(text => value == $"{text} is 1"))
            ? new RejectedOutputException(null, "It is too long.")
            : null;
        await using WorkerHost host = BuildInTransactions<SkippingBatchProcessor>();
        await host.StartAsync();
        await CheckpointedAsync(host);
        await host.StopAsync();
        Assert.Equal(unwanted, refused.Count);
        string[] expected = unwanted == 1 ? [.. texts.Where(text => !refused.Contains(text)).Select(static text => $"{text} is 1")] : [];
        Assert.Equal(expected, Effects.All);
        Assert.Equal(10 - expected.Length, host.Log.Of(2427).Count());
    }

    [Fact]
    public async Task Each_refused_value_has_its_own_tries_and_leaves_nothing_raised()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(6, keys: 3);
        var tries = new Dictionary<string, int>();
        Writer.Fails = values =>
        {
            tries[values[0]] = tries.GetValueOrDefault(values[0]) + 1;
            return new RejectedOutputException(0, "It is too long.");
        };
        await using WorkerHost host = BuildInTransactions<RetryingOutputProcessor>();
        await host.StartAsync();
        string[] values = TwoOf(texts);
        await Eventually.TrueAsync(() => host.Log.Of(2427).Count() == values.Length, () => host.Log.ToString());
        await CheckpointedAsync(host);
        await host.WaitForHealthAsync(HealthStatus.Healthy);
        await host.StopAsync();
        Assert.Empty(Effects.All);
        Assert.Equal(values.Order(StringComparer.Ordinal), tries.Keys.Order(StringComparer.Ordinal));
        Assert.All(tries.Values, static count => Assert.Equal(3, count));
    }

    [Fact]
    public async Task A_value_that_is_taken_after_some_tries_takes_none_of_the_next_one()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(6, keys: 3);
        var tries = new Dictionary<string, int>();
        // each one is taken in the third and last try that it has
        Writer.Fails = values =>
        {
            int index = values.ToList().FindIndex(value => tries.GetValueOrDefault(value) < 2);
            if (index < 0)
            {
                return null;
            }

            tries[values[index]] = tries.GetValueOrDefault(values[index]) + 1;
            return new RejectedOutputException(index, "Its parent is missing.");
        };
        await using WorkerHost host = BuildInTransactions<RetryingOutputProcessor>();
        await host.StartAsync();
        await CheckpointedAsync(host);
        await host.StopAsync();
        Assert.Equal(TwoOf(texts).Order(StringComparer.Ordinal), Effects.All.Order(StringComparer.Ordinal));
        Assert.Empty(host.Log.Of(2427));
    }

    [Fact]
    public async Task Values_that_are_refused_in_turn_are_left_out_when_each_has_had_its_tries()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(1, keys: 1);
        int calls = 0;
        Writer.Fails = values => new RejectedOutputException(calls++ % values.Count, "It is too long.");
        await using WorkerHost host = BuildInTransactions<RetryingOutputProcessor>();
        await host.StartAsync();
        await Eventually.TrueAsync(() => host.Log.Of(2427).Count() == TwoOf(texts).Length, () => host.Log.ToString());
        await host.StopAsync();
        Assert.Empty(Effects.All);
        // three tries of each value
        Assert.Equal(6, calls);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_index_of_no_value_is_a_mistake_of_the_sink_and_leaves_out_nothing(bool inTransactions)
    {
        Kinesis.CreateStream(Stream);
        Put(3, keys: 3);
        // of the first output: the second one's values would follow
        Writer.Fails = static values => values[0].EndsWith('1') ? new RejectedOutputException(values.Count, "It is too long.") : null;
        await using WorkerHost host = inTransactions
            ? BuildInTransactions<TwoOutputsProcessor>("others")
            : Build<TwoOutputsProcessor>(static output => output.To<FailingSink>().AddOutput<Row>("others").To<FailingSink>());
        await host.StartAsync();
        string said = await host.WaitForHealthAsync(HealthStatus.Unhealthy);
        Assert.Contains("of the output 'rows': the index of a RejectedOutputException counts", said, StringComparison.Ordinal);
        Assert.Contains("It is too long.", said, StringComparison.Ordinal);
        await host.StopAsync();
        Assert.DoesNotContain(Effects.All, static text => text.EndsWith('1'));
        Assert.Empty(host.Log.Of(2427));
    }

    [Fact]
    public async Task Where_a_try_without_one_value_names_another_those_two_are_left_out_and_no_other()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(10, keys: 1);
        // as DynamoDB does: two values for one item, which it does not name, and one whose condition is false
        Writer.Fails = values =>
        {
            List<string> all = [.. values];
            return all.Exists(Is(texts[3])) && all.Exists(Is(texts[6]))
                ? new RejectedOutputException(null, "Two values are for one item.")
                : all.FindIndex(Is(texts[8])) is >= 0 and int index ? new RejectedOutputException(index, "It is there.") : null;
        };
        await using WorkerHost host = BuildInTransactions<SkippingBatchProcessor>();
        await host.StartAsync();
        await CheckpointedAsync(host);
        await host.StopAsync();
        Assert.Equal(texts.Where(text => text != texts[3] && text != texts[8]).Select(static text => $"{text} is 1"), Effects.All);
        Assert.Equal(2, host.Log.Of(2427).Count());

        static Predicate<string> Is(string text) => value => value == $"{text} is 1";
    }

    [Fact]
    public async Task An_index_of_no_value_is_a_mistake_of_the_sink_also_in_a_try_without_a_value()
    {
        Kinesis.CreateStream(Stream);
        Put(10, keys: 1);
        int commits = 0;
        // a writer that adds two items for each value counts otherwise
        Positions.BeforeCommit = _ => throw new RejectedOutputException(commits++ == 0 ? null : 10, "It is too long.");
        await using WorkerHost host = BuildInTransactions<SkippingBatchProcessor>();
        await host.StartAsync();
        string said = await host.WaitForHealthAsync(HealthStatus.Unhealthy);
        Assert.Contains("refuses value 10, and was given 9", said, StringComparison.Ordinal);
        await host.StopAsync();
        Assert.Empty(Effects.All);
        Assert.Empty(host.Log.Of(2427));
    }

    [Fact]
    public async Task What_a_try_leaves_out_is_said_before_the_try_and_when_the_run_ends_in_it()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(10, keys: 1);
        Writer.Fails = values => values.Contains($"{texts[0]} is 1") ? new RejectedOutputException(null, "It is too long.") : null;
        TaskCompletionSource committed = new();
        Positions.AfterCommit = async token =>
        {
            committed.TrySetResult();
            // the answer is lost
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
        };
        await using WorkerHost host = BuildInTransactions<SkippingBatchProcessor>();
        await host.StartAsync();
        await Eventually.WithinAsync(committed.Task);
        LogEntry said = Assert.Single(host.Log.Of(2428));
        Assert.Contains("without value 0 of the output 'rows' for record", said.Message, StringComparison.Ordinal);

        Lease lease = Rows.Single();
        Leases.Put(WorkerHost.Application, lease with { LeaseOwner = "another", LeaseCounter = lease.LeaseCounter + 10 });
        await host.WaitForLogAsync(2429);
        await host.StopAsync();
        Assert.Equal(texts[1..].Select(static text => $"{text} is 1"), Effects.All);
        Assert.Empty(host.Log.Of(2427));
    }

    [Fact]
    public async Task Two_outputs_to_sinks_of_one_type_are_told_of_apart()
    {
        Kinesis.CreateStream(Stream);
        Writer.Fails = static values => values[0].EndsWith('1') ? new IOException("It is down.") : null;
        await using WorkerHost host =
            Build<TwoOutputsProcessor>(static output => output.To<FailingSink>().AddOutput<Row>("others").To<FailingSink>());
        await host.StartAsync();
        Put(1, keys: 1);
        await host.WaitForHealthAsync(HealthStatus.Unhealthy);
        // the other one succeeds meanwhile, and clears nothing
        Put(20, keys: 1);
        await Eventually.TrueAsync(() => Effects.All.Count == 21, () => host.Log.ToString());
        IFastConsumerControl control = host.Host.Services.GetRequiredService<IFastConsumerControl>();
        Finding finding = control.GetSnapshot().Findings.Single(static finding => finding.Id == "FCF3010");
        Assert.EndsWith("/FailingSink (rows)", finding.Scope, StringComparison.Ordinal);
        Writer.Fails = static _ => null;
        await host.WaitForHealthAsync(HealthStatus.Healthy);
        await host.StopAsync();
        Assert.Equal(42, Effects.All.Count);
    }

    private static string[] TwoOf(IEnumerable<string> texts) =>
        [.. texts.SelectMany(static text => new[] { $"{text} is 1", $"{text} is 2" })];

    private Task CheckpointedAsync(WorkerHost host) => Eventually.TrueAsync(
        () => Rows.Any(static row => row.Checkpoint.Kind == CheckpointKind.Record), () => host.Log.ToString());

    private WorkerHost BuildInTransactions<TProcessor>(params string[] more)
        where TProcessor : class, IKinesisProcessor<TProcessor> =>
        Build<TProcessor>(output =>
        {
            FastConsumerBuilder consumer = output.ToTransaction<InMemoryTransaction>(_ => Positions, _ => Writer);
            foreach (string name in more)
            {
                consumer.AddOutput<Row>(name).ToTransaction<InMemoryTransaction>(_ => Positions, _ => Writer);
            }

            return consumer;
        });
}
