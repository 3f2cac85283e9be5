using System.Text.Json;
using FastConsumer.Testing.Tests.Wire;

namespace FastConsumer.Testing.Tests.Http;

/// <summary>
/// The API of the AWS SDK for JavaScript that the lock file pins, operation by operation: each is called, and each is either done
/// or refused by its name. An operation that a later SDK brings fails the test until someone decides on it.
/// </summary>
public sealed class EveryOperationTests
{
    private static readonly string[] Refused = ["CreateChannel", "DeleteChannel", "DescribeChannel", "ListChannels", "UpdateChannel"];

    [Fact]
    public async Task Every_operation_of_the_sdk_is_done_or_refused_by_name()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: cancellation);

        string printed = await NodeSdk.RunAsync("operations.mjs", [kinesis.ServiceUrl, kinesis.AccountId], cancellation);

        JsonElement seen = JsonDocument.Parse(printed).RootElement;
        string[] operations = Names(seen.GetProperty("operations"));
        Assert.Contains("UpdateShardCount", operations);
        Assert.Equal(operations.Order(), Names(seen.GetProperty("called")).Order());
        Assert.All(operations, operation => Assert.True(kinesis.RequestCount(operation) > 0, operation));
        JsonProperty[] refused = [.. seen.GetProperty("refused").EnumerateObject()];
        Assert.Equal(Refused, refused.Select(static refusal => refusal.Name).Order());
        Assert.All(refused, static refusal => Assert.StartsWith(
            $"{refusal.Name} is not an operation of EmbeddedKinesis", refusal.Value.GetString(), StringComparison.Ordinal));
    }

    private static string[] Names(JsonElement list) => [.. list.EnumerateArray().Select(static item => item.GetString()!)];
}
