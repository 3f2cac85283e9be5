using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC5010Tests
{
    private const string State = "[State(\"a\")] partial KeyedState<Total> A { get; }";

    [Theory]
    [InlineData("(await [|http.PostAsync(text, null, token)|]).EnsureSuccessStatusCode();")]
    [InlineData("(await [|http.PutAsJsonAsync(text, text, token)|]).EnsureSuccessStatusCode();")]
    [InlineData("(await [|http.DeleteAsync(text, token)|]).EnsureSuccessStatusCode();")]
    [InlineData("(await [|http.SendAsync(new HttpRequestMessage(HttpMethod.Patch, text), token)|]).EnsureSuccessStatusCode();")]
    [InlineData("using var request = new HttpRequestMessage { Method = HttpMethod.Post }; "
        + "(await [|http.SendAsync(request, token)|]).EnsureSuccessStatusCode();")]
    [InlineData("await [|sqs.SendMessageAsync(new Amazon.SQS.Model.SendMessageRequest(), token)|];")]
    [InlineData("await [|sqsClient.SendMessageAsync(\"\", text, token)|];")]
    [InlineData("await [|table.PutItemAsync(new Amazon.DynamoDBv2.Model.PutItemRequest(), token)|];")]
    [InlineData("await [|table.TransactWriteItemsAsync(new Amazon.DynamoDBv2.Model.TransactWriteItemsRequest(), token)|];")]
    [InlineData("await [|s3.PutObjectAsync(new Amazon.S3.Model.PutObjectRequest(), token)|];")]
    [InlineData("await [|kafka.ProduceAsync(\"topic\", new Confluent.Kafka.Message<string, string> { Value = text }, token)|];")]
    [InlineData("await using var insert = new Npgsql.NpgsqlCommand(text); await [|insert.ExecuteNonQueryAsync(token)|];")]
    [InlineData("await using var insert = connection.CreateCommand(); await [|insert.ExecuteNonQueryAsync(token)|];")]
    [InlineData("await using var batch = connection.CreateBatch(); await [|batch.ExecuteNonQueryAsync(token)|];")]
    [InlineData("await [|Dapper.SqlMapper.ExecuteAsync(connection, text)|];")]
    [InlineData("await [|shop.SaveChangesAsync(token)|];")]
    [InlineData("await [|redis.StringIncrementAsync(text)|];")]
    [InlineData("await [|redis.PublishAsync(StackExchange.Redis.RedisChannel.Literal(text), text)|];")]
    [InlineData("await [|File.AppendAllTextAsync(text, text, token)|];")]
    [InlineData("await using var file = new FileStream(text, FileMode.Append); await [|file.WriteAsync(bytes, token)|];")]
    [InlineData("await SaveAsync(text, token); async Task SaveAsync(string text, CancellationToken token) => "
        + "await [|shop.SaveChangesAsync(token)|];")]
    [InlineData("await Task.WhenAll(text.Split(',').Select(part => [|sqsClient.SendMessageAsync(\"\", part, token)|]));")]
    [InlineData("log.LogInformation(\"{At}\", context.SequenceNumber); await [|sqsClient.SendMessageAsync(\"\", text, token)|];")]
    public Task What_is_written_or_sent_elsewhere_is_reported(string body) => RuleVerifier.VerifyBodyAsync("FC5010", Source(body));

    [Theory]
    [InlineData("(await http.GetAsync(text, token)).EnsureSuccessStatusCode();")]
    [InlineData("Console.WriteLine(await http.GetStringAsync(text, token));")]
    [InlineData("(await http.SendAsync(new HttpRequestMessage(HttpMethod.Get, text), token)).EnsureSuccessStatusCode();")]
    [InlineData("(await http.SendAsync(new HttpRequestMessage(), token)).EnsureSuccessStatusCode();")]
    [InlineData("(await http.SendAsync(Request(text), token)).EnsureSuccessStatusCode();")]
    [InlineData("await sqs.GetQueueUrlAsync(text, token);")]
    [InlineData("await table.GetItemAsync(new Amazon.DynamoDBv2.Model.GetItemRequest(), token);")]
    [InlineData("await table.QueryAsync(new Amazon.DynamoDBv2.Model.QueryRequest(), token);")]
    [InlineData("(await s3.GetObjectAsync(\"\", text, token)).Dispose();")]
    [InlineData("await using var select = new Npgsql.NpgsqlCommand(text); await using var rows = await select.ExecuteReaderAsync(token);")]
    [InlineData("await using var select = connection.CreateCommand(); await select.ExecuteScalarAsync(token);")]
    [InlineData("await Dapper.SqlMapper.QueryAsync<int>(connection, text);")]
    [InlineData("await shop.FindAsync<object>([text], token);")]
    [InlineData("await redis.StringGetAsync(text);")]
    [InlineData("Console.WriteLine(await File.ReadAllTextAsync(text, token));")]
    [InlineData("await using var file = new FileStream(text, FileMode.Open); await file.ReadExactlyAsync(new byte[1], token);")]
    [InlineData("using var memory = new MemoryStream(); await memory.WriteAsync(bytes, token);")]
    [InlineData("await store.SaveAsync(text, token);")]
    public Task What_only_reads_and_what_may_do_anything_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC5010", Source(body));

    [Theory]
    [InlineData("await sqs.SendMessageAsync(new Amazon.SQS.Model.SendMessageRequest { MessageDeduplicationId = "
        + "$\"{context.SequenceNumber}-{context.SubSequenceNumber}\" }, token);")]
    [InlineData("await using var insert = new Npgsql.NpgsqlCommand(text); "
        + "insert.Parameters.AddWithValue(context.SequenceNumber.ToString()); await insert.ExecuteNonQueryAsync(token);")]
    public Task A_key_made_of_the_records_position_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC5010", Source(body));

    [Fact]
    public Task A_processor_without_state_is_fine() => RuleVerifier.VerifyBodyAsync(
        "FC5010", Source("await sqsClient.SendMessageAsync(\"\", text, token);", state: ""));

    [Fact]
    public Task The_life_cycle_is_fine() => RuleVerifier.VerifyBodyAsync(
        "FC5010",
        Source("", State + " [OnShardEnded] Task End(CancellationToken token) => sqsClient.SendMessageAsync(\"\", \"end\", token);"));

    [Fact]
    public async Task The_message_says_what_happens_and_what_to_do()
    {
        string message = Assert.Single(await RuleVerifier.VerifyBodyAsync(
            "FC5010", Source("await [|sqsClient.SendMessageAsync(\"\", text, token)|];")));
        Assert.StartsWith("'AmazonSQSClient.SendMessageAsync' sends once more where a record is handled again", message,
            StringComparison.Ordinal);
        Assert.Contains("only the state is exact. Make it idempotent", message, StringComparison.Ordinal);
        Assert.Contains("docs/guides/transactions.md", message, StringComparison.Ordinal);
    }

    private static string Source(string body, string state = State) => StateSource.Of(
        $$"""
        {{state}}
        readonly HttpClient http = new(); readonly Amazon.SQS.IAmazonSQS sqs = null!; readonly Amazon.SQS.AmazonSQSClient sqsClient = null!;
        readonly Amazon.DynamoDBv2.IAmazonDynamoDB table = null!; readonly Amazon.S3.IAmazonS3 s3 = null!;
        readonly Confluent.Kafka.IProducer<string, string> kafka = null!; readonly System.Data.Common.DbConnection connection = null!;
        readonly Microsoft.EntityFrameworkCore.DbContext shop = null!; readonly StackExchange.Redis.IDatabase redis = null!;
        readonly IStore store = null!; readonly byte[] bytes = new byte[1]; readonly ILogger log = null!;
        [OnRecord] async Task Handle(string text, RecordContext context, CancellationToken token) { await Task.Yield(); {{body}} }
        HttpRequestMessage Request(string text) => new(HttpMethod.Post, text);
        """,
        attributes: "[OnError(typeof(Exception), ErrorAction.Stop)]",
        types: "public interface IStore { Task SaveAsync(string text, CancellationToken token); }")
        .Replace("static class Startup { static void Start() => Host.AddProcessor<P>(); }", "", StringComparison.Ordinal)
        .Replace(
            "using FastConsumer;",
            "using FastConsumer; using System.IO; using System.Net.Http; using System.Net.Http.Json; using Microsoft.Extensions.Logging;",
            StringComparison.Ordinal);
}
