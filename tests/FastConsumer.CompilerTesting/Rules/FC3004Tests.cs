using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC3004Tests
{
    [Theory]
    [InlineData("Console.WriteLine(Encoding.UTF8.GetString([|record.Data.ToArray()|]));")]
    [InlineData("if ([|record.PartitionKey|] == \"a\") return;")]
    [InlineData("if ([|record.PartitionKey|] is \"a\") return;")]
    [InlineData("Console.WriteLine(Convert.ToHexString([|record.DataSpan.ToArray()|]));")]
    public Task A_copy_without_need_is_reported(string body) => RuleVerifier.VerifyBodyAsync("FC3004", Source(body));

    [Theory]
    [InlineData("_last = record.Data.ToArray();")]
    [InlineData("Console.WriteLine(Encoding.UTF8.GetString(record.DataSpan));")]
    [InlineData("if (record.PartitionKey == _key) return;")]
    [InlineData("_key = record.PartitionKey;")]
    [InlineData("Take(record.Data.ToArray());")]
    public Task A_copy_that_is_needed_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC3004", Source(body));

    [Fact]
    public Task A_text_that_is_only_parsed_is_reported() => RuleVerifier.VerifyBodyAsync(
        "FC3004",
        HandlerSource.Of("[OnRecord] [OnError(typeof(JsonException), ErrorAction.Stop)] void Handle(string [|text|]) => Console.WriteLine(JsonSerializer.Deserialize<int>(text));"));

    [Fact]
    public Task A_text_that_is_used_is_fine() => RuleVerifier.VerifyBodyAsync(
        "FC3004",
        HandlerSource.Of("[OnRecord] [OnError(typeof(JsonException), ErrorAction.Stop)] void Handle(string text) => Console.WriteLine(JsonSerializer.Deserialize<int>(text) + text);"));

    private static string Source(string body) => HandlerSource.Of(
        $$"""
        byte[]? _last; string? _key;
        [OnRecord] void Handle(KinesisRecord record) { {{body}} }
        object?[] Take(byte[] data) => [_last, _key, data];
        """);
}
