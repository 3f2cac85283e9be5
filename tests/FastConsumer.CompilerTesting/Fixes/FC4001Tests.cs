using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Fixes;

public sealed class FC4001Tests
{
    [Theory]
    [InlineData("options.Limit = 20_000;", "options.Limit = 10_000;")]
    [InlineData("options.Limit = 0;", "options.Limit = 1;")]
    [InlineData("options.IdlePollInterval = TimeSpan.FromMilliseconds(50);", "options.IdlePollInterval = TimeSpan.FromMilliseconds(200);")]
    [InlineData("options.LeaseDuration = TimeSpan.FromHours(3);", "options.LeaseDuration = TimeSpan.FromHours(1);")]
    [InlineData("options.StopTimeout = TimeSpan.FromSeconds(1);", "options.StopTimeout = TimeSpan.FromSeconds(4);")]
    [InlineData("options.LeaseDuration = TimeSpan.Parse(\"10\");", "options.LeaseDuration = TimeSpan.Parse(\"00:00:10\");")]
    public Task Sets_the_nearest(string before, string after) => FixVerifier.VerifyAsync("FC4001", Options(before), Options(after));

    [Theory]
    [InlineData("[Checkpoint(Interval = \"5\")]", "[Checkpoint(Interval = \"00:00:05\")]")]
    [InlineData("[Checkpoint(Interval = \"10m\")]", "[Checkpoint(Interval = \"00:10:00\")]")]
    [InlineData("[Checkpoint(Interval = \"24:00:00\")]", "[Checkpoint(Interval = \"1.00:00:00\")]")]
    [InlineData("[Checkpoint(Records = -1)]", "[Checkpoint(Records = 0)]")]
    public Task Corrects_attributes(string before, string after) => FixVerifier.VerifyAsync("FC4001", Attribute(before), Attribute(after));

    [Fact]
    public Task Corrects_all() => FixVerifier.VerifyAllAsync(
        "FC4001",
        Options("options.Limit = 20_000; options.LeaseDuration = TimeSpan.FromHours(3);"),
        Options("options.Limit = 10_000; options.LeaseDuration = TimeSpan.FromHours(1);"));

    [Theory]
    [InlineData("[Checkpoint(Interval = \"soon\")]")]
    [InlineData("[Checkpoint(Interval = \"00:00:00\")]")]
    public Task Has_nothing_where_no_value_is_meant(string attribute) => FixVerifier.VerifyNoneAsync("FC4001", Attribute(attribute));

    private static string Options(string body) =>
        $$"""
        using FastConsumer.Hosting;

        static class Startup
        {
            static void Set(FastConsumerOptions options) { {{body}} }
        }

        """;

    private static string Attribute(string attribute) =>
        $$"""
        using FastConsumer;

        [KinesisProcessor("s")]
        {{attribute}}
        partial class P
        {
            [OnRecord] void Handle(string text) { }
        }

        """;
}
