using System.Net;
using System.Text;
using FastConsumer.Testing.Tests.Wire;

namespace FastConsumer.Testing.Tests.Http;

public sealed class FaultTests : IAsyncLifetime
{
    private readonly ManualClock _clock = new();
    private EmbeddedKinesis _kinesis = null!;
    private RawClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _kinesis = await EmbeddedKinesis.StartAsync(new EmbeddedKinesisOptions { TimeProvider = _clock }, RawClient.Cancellation);
        _kinesis.CreateStream("s");
        _client = new RawClient(_kinesis.ServiceUrl);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _kinesis.DisposeAsync();
    }

    [Fact]
    public async Task Failures_are_used_up_in_order_and_by_operation()
    {
        _kinesis.Faults.Fail("ListShards", "LimitExceededException", "slow down", times: 2);
        _kinesis.Faults.Fail("ListShards", "InternalFailure", "oops", status: 500);
        await _client.OkAsync("ListStreams", "{}");
        Assert.Equal("slow down", await _client.RefusedAsync("ListShards", """{"StreamName":"s"}""", "LimitExceededException"));
        await _client.RefusedAsync("ListShards", """{"StreamName":"s"}""", "LimitExceededException");
        await _client.RefusedAsync("ListShards", """{"StreamName":"s"}""", "InternalFailure", HttpStatusCode.InternalServerError);
        await _client.OkAsync("ListShards", """{"StreamName":"s"}""");
        Assert.Equal(4, _kinesis.RequestCount("ListShards"));
        Assert.Equal(5, _kinesis.RequestCount());
    }

    [Fact]
    public async Task A_fault_of_any_operation_lasts_until_it_is_cleared()
    {
        _kinesis.Faults.Fail(FaultScript.AnyOperation, "AccessDeniedException", "no", times: int.MaxValue);
        for (int i = 0; i < 3; i++)
        {
            await _client.RefusedAsync("ListStreams", "{}", "AccessDeniedException");
            await _client.RefusedAsync("ListShards", """{"StreamName":"s"}""", "AccessDeniedException");
        }

        _kinesis.Faults.Clear();
        await _client.OkAsync("ListStreams", "{}");
    }

    [Fact]
    public async Task A_lost_answer_comes_after_the_effect()
    {
        _kinesis.Faults.LoseAnswer("CreateStream");
        await Assert.ThrowsAsync<HttpRequestException>(() => _client.JsonAsync("CreateStream", """{"StreamName":"lost","ShardCount":1}"""));
        await _client.OkAsync("ListShards", """{"StreamName":"lost"}""");

        _kinesis.Faults.Cut("CreateStream");
        await Assert.ThrowsAsync<HttpRequestException>(() => _client.JsonAsync("CreateStream", """{"StreamName":"cut","ShardCount":1}"""));
        await _client.RefusedAsync("ListShards", """{"StreamName":"cut"}""", "ResourceNotFoundException");
    }

    [Fact]
    public async Task A_delay_lasts_until_the_clock_has_moved()
    {
        _kinesis.Faults.Delay("ListStreams", TimeSpan.FromSeconds(30));
        Task<RawAnswer> delayed = _client.JsonAsync("ListStreams", "{}");
        while (_clock.NextDue is null)
        {
            await Task.Delay(5, RawClient.Cancellation);
        }

        Assert.False(delayed.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(HttpStatusCode.OK, (await delayed).Status);
    }

    [Fact]
    public async Task Stopping_does_not_wait_for_delayed_requests()
    {
        _kinesis.Faults.Delay("ListStreams", TimeSpan.FromDays(1));
        Task<RawAnswer> delayed = _client.JsonAsync("ListStreams", "{}");
        while (_clock.NextDue is null)
        {
            await Task.Delay(5, RawClient.Cancellation);
        }

        await _kinesis.DisposeAsync();
        await Assert.ThrowsAsync<HttpRequestException>(() => delayed);
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task A_cut_breaks_the_answer_off(string version)
    {
        using var client = new RawClient(_kinesis.ServiceUrl, Version.Parse(version));
        _kinesis.Faults.Cut("PutRecord");
        const string Put = """{"StreamName":"s","PartitionKey":"k","Data":"AQID"}""";
        await Assert.ThrowsAsync<HttpRequestException>(() => client.JsonAsync("PutRecord", Put));
        string iterator = await client.IteratorAsync("s", "shardId-000000000000");
        Assert.Equal(0, (await client.RecordsAsync(iterator)).GetProperty("Records").GetArrayLength());

        _kinesis.Faults.Cut("PutRecord", afterBytes: 10);
        await Assert.ThrowsAsync<HttpRequestException>(() => client.JsonAsync("PutRecord", Put));
        Assert.Equal(1, (await client.RecordsAsync(iterator)).GetProperty("Records").GetArrayLength());
    }

    [Fact]
    public async Task A_failure_comes_in_the_requests_encoding()
    {
        _kinesis.Faults.Fail("ListStreams", "ProvisionedThroughputExceededException");
        using HttpResponseMessage response = await _client.SendAsync("ListStreams", [0xA0], "application/x-amz-cbor-1.1");
        byte[] bytes = await response.Content.ReadAsByteArrayAsync(RawClient.Cancellation);
        Assert.Equal(0xA2, bytes[0]);
        Assert.Contains("ProvisionedThroughputExceededException", Encoding.UTF8.GetString(bytes), StringComparison.Ordinal);
    }

    [Fact]
    public void Nonsense_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => _kinesis.Faults.Fail("GetRecords", "X", times: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => _kinesis.Faults.Delay("GetRecords", TimeSpan.FromSeconds(-1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => _kinesis.Faults.Cut("GetRecords", afterBytes: -1));
        Assert.Throws<ArgumentException>(() => _kinesis.Faults.Cut(""));
    }
}
