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
    [InlineData("if (string.Equals([|record.PartitionKey|], \"a\")) return;")]
    [InlineData("if (string.Equals(\"a\", [|record.PartitionKey|], StringComparison.Ordinal)) return;")]
    [InlineData("if ([|record.PartitionKey|].Equals(\"a\")) return;")]
    [InlineData("if ([|record.PartitionKey|] is \"a\" or \"b\") return;")]
    [InlineData("if ([|record.PartitionKey|] is not \"a\") return;")]
    [InlineData("switch ([|record.PartitionKey|]) { case \"a\": return; case \"b\": break; default: break; }")]
    [InlineData("Console.WriteLine([|record.PartitionKey|] switch { \"a\" => 1, _ => 2 });")]
    [InlineData("string key = [|record.PartitionKey|]; if (key == \"a\" || key == \"b\") return;")]
    [InlineData("Console.WriteLine(JsonSerializer.Deserialize<int>([|record.Data.ToArray()|]));")]
    [InlineData("Console.WriteLine(JsonSerializer.Deserialize([|record.DataSpan.ToArray()|], typeof(int)));")]
    public Task Other_copies_are_reported(string body) => RuleVerifier.VerifyBodyAsync("FC3004", Source(body));

    [Theory]
    [InlineData("string key = record.PartitionKey; if (key == \"a\") Console.WriteLine(key);")]
    [InlineData("if (record.PartitionKey.Equals(\"a\", StringComparison.OrdinalIgnoreCase)) return;")]
    [InlineData("if (record.PartitionKey is { Length: > 3 }) return;")]
    [InlineData("switch (record.PartitionKey) { case \"a\": return; case { Length: 3 }: return; }")]
    [InlineData("Console.WriteLine(JsonDocument.Parse(record.Data.ToArray()));")]
    [InlineData("if (record.PartitionKey.StartsWith(\"a\", StringComparison.Ordinal)) return;")]
    public Task Other_uses_are_fine(string body) => RuleVerifier.VerifyBodyAsync("FC3004", Source(body));

    [Theory]
    [InlineData("_last = record.Data.ToArray();")]
    [InlineData("Console.WriteLine(Encoding.UTF8.GetString(record.DataSpan));")]
    [InlineData("if (record.PartitionKey == _key) return;")]
    [InlineData("_key = record.PartitionKey;")]
    [InlineData("Take(record.Data.ToArray());")]
    [InlineData("Keep(record.Data.ToArray());")]
    public Task A_copy_that_is_needed_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC3004", Source(body));

    [Fact]
    public Task A_text_that_is_only_parsed_is_reported() => RuleVerifier.VerifyBodyAsync(
        "FC3004",
        HandlerSource.Of("[OnRecord] [OnError(typeof(JsonException), ErrorAction.Stop)] void Handle(string [|text|]) => "
            + "Console.WriteLine(JsonSerializer.Deserialize<int>(text));"));

    [Fact]
    public Task A_text_that_is_used_is_fine() => RuleVerifier.VerifyBodyAsync(
        "FC3004",
        HandlerSource.Of("[OnRecord] [OnError(typeof(JsonException), ErrorAction.Stop)] void Handle(string text) => "
            + "Console.WriteLine(JsonSerializer.Deserialize<int>(text) + text);"));

    [Theory]
    [InlineData("async Task Handle(KinesisRecord record) => await stream.WriteAsync([|record.Data.ToArray()|]);")]
    [InlineData("async Task Handle(ReadOnlyMemory<byte> data) { await stream.WriteAsync([|data.ToArray()|]).ConfigureAwait(false); }")]
    [InlineData("async Task Handle(KinesisRecord record) { ValueTask write = stream.WriteAsync(record.Data.ToArray()); await write; }")]
    [InlineData("async Task Handle(KinesisRecord record) => await {|FC2006:channel.Writer.WriteAsync(record.Data.ToArray())|};")]
    public Task A_copy_for_a_stream_that_is_awaited_is_reported(string handler) => RuleVerifier.VerifyBodyAsync(
        "FC3004",
        HandlerSource.Of("readonly Stream stream = Stream.Null; readonly Channel<ReadOnlyMemory<byte>> channel = null!; "
            + "[OnRecord] [OnError(typeof(Exception), ErrorAction.Stop)] " + handler));

    private static string Source(string body) => HandlerSource.Of(
        $$"""
        byte[]? _last; string? _key; readonly Stream _stream = Stream.Null;
        ReadOnlyMemory<byte> _kept; void Keep(ReadOnlyMemory<byte> data) => _kept = data;
        [OnRecord] [OnError(typeof(JsonException), ErrorAction.Stop)] void Handle(KinesisRecord record) { {{body}} }
        object?[] Take(byte[] data) => [_last, _key, data];
        """);
}
