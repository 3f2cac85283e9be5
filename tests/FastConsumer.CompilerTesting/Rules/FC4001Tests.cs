using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC4001Tests
{
    [Theory]
    [InlineData("orders")]
    [InlineData("Orders_1.2-3")]
    [InlineData("arn:aws:kinesis:eu-west-1:123456789012:stream/orders")]
    [InlineData("arn:aws-us-gov:kinesis:us-gov-west-1:123456789012:stream/orders")]
    public Task Names_and_arns_of_streams_are_fine(string stream) =>
        RuleVerifier.VerifyAsync("FC4001", Processor($"\"{stream}\"", "", "[OnRecord] void Handle(string text) { }"));

    [Theory]
    [InlineData("")]
    [InlineData("two words")]
    [InlineData("arn:aws:kinesis:eu-west-1:123456789012:orders")]
    [InlineData("arn:aws:sqs:eu-west-1:123456789012:stream/orders")]
    [InlineData("orders\\n")]
    public Task Other_texts_are_not(string stream) =>
        RuleVerifier.VerifyAsync("FC4001", Processor($"[|\"{stream}\"|]", "", "[OnRecord] void Handle(string text) { }"));

    [Theory]
    [InlineData("00:00:05")]
    [InlineData("23:59:59.9999999")]
    [InlineData("1.00:00:00")]
    [InlineData("00:00:00.5")]
    public Task Durations_are_fine(string duration) =>
        RuleVerifier.VerifyAsync("FC4001", Processor(
            "\"s\"",
            $"[Checkpoint(Interval = \"{duration}\", Records = 0)]",
            $"[OnBatch(MaxWait = \"{duration}\", MaxRecords = 1, MaxBytes = 1)] void Handle(RecordBatch batch) {{ }}"));

    [Theory]
    [InlineData("5")]
    [InlineData("5s")]
    [InlineData("")]
    [InlineData("24:00:00")]
    [InlineData("0:0:5")]
    [InlineData("00:60:00")]
    [InlineData("00:00:60")]
    [InlineData("-00:00:05")]
    [InlineData(" 00:00:05")]
    [InlineData("00:05")]
    [InlineData("00:00:00.12345678")]
    public Task Other_texts_are_no_durations(string duration) =>
        RuleVerifier.VerifyAsync("FC4001", Processor(
            "\"s\"",
            $"[Checkpoint([|Interval = \"{duration}\"|])]",
            $"[OnBatch([|MaxWait = \"{duration}\"|])] void Handle(RecordBatch batch) {{ }}"));

    [Fact]
    public async Task The_message_names_the_value_and_the_form() => Assert.Equal(
        ["Interval is \"5\", which is no duration. Write it as [d.]hh:mm:ss[.fffffff] with hours from 00 to 23, "
            + "such as \"00:00:05\" for five seconds."],
        await RuleVerifier.VerifyAsync(
            "FC4001", Processor("\"s\"", "[Checkpoint([|Interval = \"5\"|])]", "[OnRecord] void Handle(string text) { }")));

    [Theory]
    [InlineData("[Checkpoint([|Records = -1|])]", "[OnRecord] void Handle(string text) { }")]
    [InlineData("[Checkpoint([|Interval = \"00:00:00\"|])]", "[OnRecord] void Handle(string text) { }")]
    [InlineData("[OnError(typeof(Exception), ErrorAction.Retry, [|MaxAttempts = -1|])]", "[OnRecord] void Handle(string text) { }")]
    [InlineData("[OnError(typeof(Exception), ErrorAction.Retry, [|InitialBackoff = \"5\"|])]", "[OnRecord] void Handle(string text) { }")]
    [InlineData(
        "[OnError(typeof(Exception), ErrorAction.Retry, InitialBackoff = \"00:00:02\", [|MaxBackoff = \"00:00:01\"|])]",
        "[OnRecord] void Handle(string text) { }")]
    [InlineData(
        "[OnError(typeof(Exception), ErrorAction.Retry, [|Timeout = \"00:00:00\"|])]",
        "[OnRecord] void Handle(string text, CancellationToken token) { }")]
    [InlineData("[Concurrency([|0|])]", "[OnRecord] void Handle(string text) { }")]
    [InlineData("[Concurrency([|1025|], Order = RecordOrder.None)]", "[OnRecord] void Handle(string text) { }")]
    [InlineData("[Concurrency(2, [|Order = (RecordOrder)3|])]", "[OnRecord] void Handle(string text) { }")]
    [InlineData("", "[OnBatch([|MaxRecords = 0|])] void Handle(RecordBatch batch) { }")]
    [InlineData("", "[OnBatch([|MaxBytes = -1|])] void Handle(RecordBatch batch) { }")]
    public Task Numbers_out_of_range_are_reported(string attribute, string method) =>
        RuleVerifier.VerifyAsync("FC4001", Processor("\"s\"", attribute, method));

    [Theory]
    [InlineData("Limit = [|0|]")]
    [InlineData("Limit = [|10_001|]")]
    [InlineData("IdlePollInterval = [|TimeSpan.FromMilliseconds(199)|]")]
    [InlineData("IdlePollInterval = [|TimeSpan.FromMinutes(5)|]")]
    [InlineData("LeaseDuration = [|TimeSpan.Zero|]")]
    [InlineData("LeaseDuration = [|new TimeSpan(2, 0, 0)|]")]
    [InlineData("LeaseDuration = [|TimeSpan.Parse(\"10\")|]")]
    [InlineData("CheckpointInterval = [|Timeout.InfiniteTimeSpan|]")]
    [InlineData("CheckpointRecords = [|-1|]")]
    [InlineData("PrefetchBytes = [|0|]")]
    [InlineData("StreamWindowBytes = [|65_535|]")]
    [InlineData("StreamWindowBytes = [|32 * 1024 * 1024|]")]
    [InlineData("StopTimeout = [|TimeSpan.FromSeconds(3)|]")]
    public Task Options_out_of_range_are_reported(string setting) => RuleVerifier.VerifyAsync("FC4001", Options(setting));

    [Theory]
    [InlineData("Limit = 10_000")]
    [InlineData("Limit = null")]
    [InlineData("IdlePollInterval = TimeSpan.FromMilliseconds(200)")]
    [InlineData("LeaseDuration = TimeSpan.Parse(\"00:00:10\")")]
    [InlineData("LeaseDuration = TimeSpan.FromTicks(Environment.TickCount64)")]
    [InlineData("CheckpointRecords = 0")]
    [InlineData("StopTimeout = TimeSpan.FromSeconds(3.5)")]
    [InlineData("ApplicationName = \"a\"")]
    public Task Options_in_range_are_fine(string setting) => RuleVerifier.VerifyAsync("FC4001", Options(setting));

    [Theory]
    [InlineData("State([|\"\"|])", "is no name of a state")]
    [InlineData("State([|\"two words\"|])", "is no name of a state")]
    [InlineData("State([|\"\u00e4\"|])", "is no name of a state")]
    [InlineData("State([|\"a2345678901234567890123456789012345678901234567890123456789012345\"|])", "1 to 64 letters")]
    [InlineData("State([|null!|])", "is no name of a state")]
    [InlineData("State(\"a\", [|Ttl = \"30\"|])", "which is no duration")]
    [InlineData("State(\"a\", [|Ttl = \"00:00:00\"|])", "the least is a millisecond")]
    [InlineData("State(\"a\", [|Ttl = \"-00:00:01\"|])", "which is no duration")]
    public async Task Values_of_states_are_checked(string attribute, string message) => Assert.Contains(
        message,
        Assert.Single(await RuleVerifier.VerifyAsync(
            "FC4001", StateSource.Of(StateSource.Handler + $"[{attribute}] partial KeyedState<Total> A {{ get; }}"))),
        StringComparison.Ordinal);

    [Theory]
    [InlineData("[|\"\"|]")]
    [InlineData("[|\"two words\"|]")]
    [InlineData("[|\"\u00e4\"|]")]
    [InlineData("[|\"a2345678901234567890123456789012345678901234567890123456789012345\"|]")]
    [InlineData("[|null!|]")]
    public async Task Names_of_outputs_are_checked(string name) => Assert.Contains(
        "is no name of an output: 1 to 64 letters",
        Assert.Single(await RuleVerifier.VerifyAsync(
            "FC4001", StateSource.Of(StateSource.Handler + $"[Output({name})] partial Output<Row> A {{ get; }}"))),
        StringComparison.Ordinal);

    [Fact]
    public Task The_version_of_a_processor_with_an_output_only_is_checked() => RuleVerifier.VerifyAsync(
        "FC4001", StateSource.Of(StateSource.Handler + "[Output(\"a\")] partial Output<Row> A { get; }", ", [|StateVersion = 0|]"));

    [Theory]
    [InlineData(", [|StateVersion = 0|]", "", "the least is 1")]
    [InlineData("", "[StateMigration(\"a\", [|From = 1|])] static Total M(Old a) => default;", "Raise StateVersion of [KinesisProcessor]")]
    [InlineData(", StateVersion = 3", "[StateMigration(\"a\", [|From = 3|])] static Total M(Old a) => default;", "Set From to 1 to 2")]
    [InlineData(", StateVersion = 3", "[[|StateMigration(\"a\")|]] static Total M(Old a) => default;", "Set From to 1 to 2")]
    public async Task Versions_of_states_are_checked(string arguments, string members, string message) => Assert.Contains(
        message,
        Assert.Single(await RuleVerifier.VerifyAsync("FC4001", StateSource.Of(
            StateSource.Handler + "[State(\"a\")] partial KeyedState<Total> A { get; }" + members, arguments))),
        StringComparison.Ordinal);


    private static string Options(string setting) =>
        $$"""
        using FastConsumer.Hosting;

        static class Startup { static void Set(FastConsumerOptions options) => options.{{setting}}; }
        """;

    private static string Processor(string stream, string attribute, string method) =>
        $$"""
        using FastConsumer;

        [KinesisProcessor({{stream}})]
        {{attribute}}
        partial class P { {{method}} }

        static class Startup { static void Start() => Host.AddProcessor<P>(); }
        """;
}
