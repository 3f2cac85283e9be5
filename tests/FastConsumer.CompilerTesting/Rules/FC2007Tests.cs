using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC2007Tests
{
    [Theory]
    [InlineData("await [|http.PostAsync(text, null, token)|];")]
    [InlineData("_ = await [|http.GetAsync(text, token)|];")]
    [InlineData("using var response = await [|http.PostAsJsonAsync(text, text, token)|];")]
    [InlineData("var response = await [|http.GetAsync(text, token)|].ConfigureAwait(false); "
        + "Console.WriteLine(await response.Content.ReadAsStringAsync(token));")]
    [InlineData("Console.WriteLine(await (await [|http.GetAsync(text, token)|]).Content.ReadAsStringAsync(token));")]
    [InlineData("using (await [|http.DeleteAsync(text, token)|]) { }")]
    [InlineData("await Task.WhenAll(text.Split(',').Select(part => [|http.PostAsync(part, null, token)|]));")]
    [InlineData("await [|api.SendAsync(text)|];")]
    [InlineData("await [|sqs.SendMessageBatchAsync(new Amazon.SQS.Model.SendMessageBatchRequest(), token)|];")]
    [InlineData("var sent = await [|sqs.SendMessageBatchAsync(new Amazon.SQS.Model.SendMessageBatchRequest(), token)|]; "
        + "log.LogInformation(\"{Count}\", sent.Successful.Count);")]
    [InlineData("await [|table.BatchWriteItemAsync(new Amazon.DynamoDBv2.Model.BatchWriteItemRequest(), token)|];")]
    [InlineData("[|kafka.Produce(\"topic\", new Confluent.Kafka.Message<string, string> { Value = text })|];")]
    [InlineData("await [|bulk.WriteToServerAsync(new System.Data.DataTable(), token)|];")]
    public Task An_answer_that_nobody_looks_at_is_reported(string body) => RuleVerifier.VerifyBodyAsync("FC2007", Source(body));

    [Theory]
    [InlineData("using var response = await http.PostAsync(text, null, token); response.EnsureSuccessStatusCode();")]
    [InlineData("(await http.PostAsync(text, null, token)).EnsureSuccessStatusCode();")]
    [InlineData("var response = await http.PostAsync(text, null, token); if (!response.IsSuccessStatusCode) throw new "
        + "OperationCanceledException();")]
    [InlineData(
        "var response = await http.PostAsync(text, null, token); if (response.StatusCode is System.Net.HttpStatusCode.Conflict) return;")]
    [InlineData("var response = await http.PostAsync(text, null, token); Check(response);")]
    [InlineData("var response = await http.PostAsync(text, null, token); if (response is { IsSuccessStatusCode: "
        + "false }) throw new OperationCanceledException();")]
    [InlineData("Check(await http.PostAsync(text, null, token));")]
    [InlineData("Console.WriteLine(await http.GetStringAsync(text, token));")]
    [InlineData("HttpResponseMessage? response = null; for (int i = 0; i < 3; i++) { response = await http.GetAsync(text, token); "
        + "if (response.IsSuccessStatusCode) break; }")]
    [InlineData("var all = await Task.WhenAll(text.Split(',').Select(part => http.PostAsync(part, null, token))); "
        + "foreach (var one in all) one.EnsureSuccessStatusCode();")]
    [InlineData("var sent = await sqs.SendMessageBatchAsync(new Amazon.SQS.Model.SendMessageBatchRequest(), token); "
        + "if (sent.Failed.Count > 0) throw new OperationCanceledException();")]
    [InlineData("await sqs.SendMessageAsync(new Amazon.SQS.Model.SendMessageRequest(), token);")]
    [InlineData("await kafka.ProduceAsync(\"topic\", new Confluent.Kafka.Message<string, string> { Value = text }, token);")]
    [InlineData("kafka.Produce(\"topic\", new Confluent.Kafka.Message<string, string> { Value = text }, "
        + "report => Console.WriteLine(report.Error));")]
    [InlineData("{|FC2003:http.PostAsync(text, null, token)|};")]
    public Task One_that_is_looked_at_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC2007", Source(body));

    private static string Source(string body) => HandlerSource.Of(
        $$"""
        public interface IApi { Task<HttpResponseMessage> SendAsync(string text); }
        [OnRecord] [OnError(typeof(Exception), ErrorAction.Stop)]
        async Task Handle(string text, CancellationToken token) { await Task.Yield(); {{body}} }
        static void Check(HttpResponseMessage response) => response.EnsureSuccessStatusCode();
        readonly HttpClient http = new(); readonly IApi api = null!; readonly Amazon.SQS.IAmazonSQS sqs = null!;
        readonly Amazon.DynamoDBv2.IAmazonDynamoDB table = null!;
        readonly Confluent.Kafka.IProducer<string, string> kafka = null!; readonly MySqlConnector.MySqlBulkCopy bulk = null!;
        """).Replace("using FastConsumer;", "using FastConsumer; using System.Net.Http.Json;", StringComparison.Ordinal);
}
