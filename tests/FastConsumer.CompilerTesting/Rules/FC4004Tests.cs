using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC4004Tests
{
    [Theory]
    [InlineData("Limit = [|1|]")]
    [InlineData("Limit = [|10|]")]
    [InlineData("Limit = [|999|]")]
    [InlineData("IdlePollInterval = [|TimeSpan.FromSeconds(1.5)|]")]
    [InlineData("IdlePollInterval = [|TimeSpan.FromMilliseconds(1001)|]")]
    [InlineData("IdlePollInterval = [|TimeSpan.FromMinutes(4)|]")]
    [InlineData("IdlePollInterval = [|TimeSpan.Parse(\"00:00:05\")|]")]
    public async Task What_delays_or_starves_is_reported(string setting)
    {
        await RuleVerifier.VerifyAsync("FC4004", Options("FastConsumerOptions", setting));
        await RuleVerifier.VerifyAsync("FC4004", Options("ProcessorOptions", setting));
    }

    [Theory]
    [InlineData("Limit = 1_000")]
    [InlineData("Limit = 10_000")]
    [InlineData("Limit = null")]
    [InlineData("Limit = Environment.ProcessorCount")]
    [InlineData("IdlePollInterval = TimeSpan.FromSeconds(1)")]
    [InlineData("IdlePollInterval = TimeSpan.FromMilliseconds(200)")]
    [InlineData("IdlePollInterval = TimeSpan.FromTicks(Environment.TickCount64)")]
    [InlineData("IdlePollInterval = null")]
    [InlineData("LeaseDuration = TimeSpan.FromSeconds(30)")]
    [InlineData("CheckpointRecords = 10")]
    public Task What_does_not_is_fine(string setting) => RuleVerifier.VerifyAsync("FC4004", Options("FastConsumerOptions", setting));

    [Theory]
    [InlineData("Limit = [|0|]")]
    [InlineData("Limit = [|10_001|]")]
    [InlineData("IdlePollInterval = [|TimeSpan.FromMinutes(5)|]")]
    [InlineData("IdlePollInterval = [|TimeSpan.FromMilliseconds(100)|]")]
    public Task What_is_refused_is_FC4001s_alone(string setting) =>
        RuleVerifier.VerifyAsync("FC4001", Options("FastConsumerOptions", setting));

    [Fact]
    public async Task The_message_names_the_value_and_the_remedy()
    {
        Assert.Equal(
            ["Limit is 10: a shard is read by five calls a second at most, fewer beside other applications, "
                + "and takes 1,000 records a second. A worker that is behind may never catch up. Leave it out (10,000 by default: "
                + "a worker asks for as many as fit its pace), or set 1,000 or more."],
            await RuleVerifier.VerifyAsync("FC4004", Options("FastConsumerOptions", "Limit = [|10|]")));
        Assert.Equal(
            ["IdlePollInterval is 00:04:00: by so much records are late on a shard that is idle at times. Leave it out (400 ms by default, "
                + "and beside other applications it rises by itself), or set a second or less."],
            await RuleVerifier.VerifyAsync("FC4004", Options("FastConsumerOptions", "IdlePollInterval = [|TimeSpan.FromMinutes(4)|]")));
    }

    [Fact]
    public Task A_property_of_the_same_name_elsewhere_is_not_looked_at() => RuleVerifier.VerifyAsync(
        "FC4004",
        """
        class Page { public int Limit { get; set; } }

        static class Startup { static void Set(Page page) => page.Limit = 10; }
        """);

    private static string Options(string type, string setting) =>
        $$"""
        using FastConsumer.Hosting;

        static class Startup { static void Set({{type}} options) => options.{{setting}}; }
        """;
}
