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
    [InlineData("var task = [|http.PostAsync(text, null, token)|]; await task;")]
    [InlineData("Task one = [|http.PostAsync(text, null, token)|], two = [|http.DeleteAsync(text, token)|]; await Task.WhenAll(one, two);")]
    [InlineData("var tasks = new List<Task<HttpResponseMessage>>(); foreach (string part in text.Split(',')) "
        + "tasks.Add([|http.PostAsync(part, null, token)|]); await Task.WhenAll(tasks);")]
    [InlineData("Task[] tasks = [.. text.Split(',').Select(part => [|http.PostAsync(part, null, token)|])]; "
        + "await Task.WhenAll(tasks).WaitAsync(token);")]
    [InlineData("await (text.Length > 1 ? [|http.PostAsync(text, null, token)|] : [|http.GetAsync(text, token)|]);")]
    [InlineData("using var response = await [|Passed(http.PostAsync(text, null, token))|];")]
    [InlineData("await Run(() => [|http.PostAsync(text, null, token)|]);")]
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
    [InlineData("var task = http.PostAsync(text, null, token); (await task).EnsureSuccessStatusCode();")]
    [InlineData("using var response = await Checked(http.PostAsync(text, null, token));")]
    [InlineData("var tasks = text.Split(',').Select(part => http.PostAsync(part, null, token)).ToList(); await Task.WhenAll(tasks); "
        + "foreach (var task in tasks) (await task).EnsureSuccessStatusCode();")]
    [InlineData("var tasks = new List<Task<HttpResponseMessage>> { http.PostAsync(text, null, token) }; await Task.WhenAll(tasks); "
        + "Check(await tasks[0]);")]
    [InlineData("var response = await (text.Length > 1 ? http.PostAsync(text, null, token) : http.GetAsync(text, token)); "
        + "response.EnsureSuccessStatusCode();")]
    [InlineData("(await Ask(() => http.PostAsync(text, null, token))).EnsureSuccessStatusCode();")]
    public Task One_that_is_looked_at_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC2007", Source(body));

    [Theory]
    [InlineData("Task Handle(string text, CancellationToken token) => [|http.PostAsync(text, null, token)|];")]
    [InlineData("ValueTask Handle(string text, CancellationToken token) => new([|http.PostAsync(text, null, token)|]);")]
    [InlineData("Task Handle(string text, CancellationToken token) { if (text.Length == 0) return Task.CompletedTask; "
        + "return [|http.PostAsync(text, null, token)|]; }")]
    [InlineData("Task Handle(string text, CancellationToken token) => text.Length == 0 ? Task.CompletedTask : "
        + "[|http.PostAsync(text, null, token)|];")]
    [InlineData("Task Handle(string text, CancellationToken token) => text switch { \"a\" => [|http.PostAsync(text, null, token)|], "
        + "_ => Task.CompletedTask };")]
    [InlineData("async Task Handle(string text, CancellationToken token) => await SendAsync(text, token); Task SendAsync(string text, "
        + "CancellationToken token) => [|http.PostAsync(text, null, token)|];")]
    [InlineData("async Task Handle(string text, CancellationToken token) => (await SendAsync(text, token)).EnsureSuccessStatusCode(); "
        + "Task<HttpResponseMessage> SendAsync(string text, CancellationToken token) => http.PostAsync(text, null, token);")]
    [InlineData("Task Handle(string text, CancellationToken token) => http.GetStringAsync(text, token);")]
    public Task An_answer_that_is_returned_without_its_value_is_reported(string handler) => RuleVerifier.VerifyBodyAsync(
        "FC2007",
        HandlerSource.Of("readonly HttpClient http = new(); [OnRecord] [OnError(typeof(Exception), ErrorAction.Stop)] " + handler));

    private static string Source(string body) => HandlerSource.Of(
        $$"""
        public interface IApi { Task<HttpResponseMessage> SendAsync(string text); }
        [OnRecord] [OnError(typeof(Exception), ErrorAction.Stop)] async Task Handle(string text, CancellationToken token) { await Task.Yield(); {{body}} }
        static Task Run(Func<Task> work) => work(); static Task<T> Ask<T>(Func<Task<T>> work) => work();
        static async Task<HttpResponseMessage> Checked(Task<HttpResponseMessage> call) => (await call).EnsureSuccessStatusCode();
        static async Task<HttpResponseMessage> Passed(Task<HttpResponseMessage> call) { await Task.Yield(); return await call; }
        static void Check(HttpResponseMessage response) => response.EnsureSuccessStatusCode();
        readonly HttpClient http = new(); readonly IApi api = null!; readonly Amazon.SQS.IAmazonSQS sqs = null!; readonly Amazon.DynamoDBv2.IAmazonDynamoDB table = null!;
        readonly Confluent.Kafka.IProducer<string, string> kafka = null!; readonly MySqlConnector.MySqlBulkCopy bulk = null!;
        """).Replace("using FastConsumer;", "using FastConsumer; using System.Net.Http.Json;", StringComparison.Ordinal);
}
