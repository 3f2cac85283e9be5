using System.Text;
using System.Text.Json;
using FastConsumer.Kinesis;
using FastConsumer.Testing.Tests.Wire;

namespace FastConsumer.Testing.Tests.Storage;

public sealed class DataFolderTests : IDisposable
{
    private const string Stream = "orders";
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"emulator-{Guid.NewGuid()}");
    private readonly ManualClock _clock = new();

    private string Log => Path.Combine(_folder, "emulator.log");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Streams_settings_consumers_shards_and_records_are_there_again()
    {
        string before;
        await using (EmbeddedKinesis kinesis = await StartAsync())
        {
            Assert.Equal(0, kinesis.Data!.Records);
            kinesis.CreateStream("gone");
            kinesis.Put("gone", "key", "gone");
            kinesis.DeleteStream("gone");
            kinesis.CreateStream(new EmbeddedStream(Stream)
            {
                ShardCount = 2,
                RetentionHours = 48,
                EncryptionKeyId = "alias/key",
                MaxRecordBytes = 2 * 1024 * 1024,
                Tags = new Dictionary<string, string> { ["team"] = "a" },
                Consumers = ["billing"],
            });
            kinesis.CreateStream(new EmbeddedStream("clicks") { ShardCount = null });
            using var client = new RawClient(kinesis.ServiceUrl);
            PutMany(kinesis, 20);
            kinesis.SplitShard(Stream, "shardId-000000000000");
            _clock.Advance(TimeSpan.FromSeconds(3));
            await client.OkAsync("PutRecord", $$"""{"StreamName":"{{Stream}}","PartitionKey":"wire","Data":"aGk="}""");
            await client.OkAsync(
                "UpdateShardCount", $$"""{"StreamName":"{{Stream}}","TargetShardCount":2,"ScalingType":"UNIFORM_SCALING"}""");
            await client.OkAsync(
                "RegisterStreamConsumer", $$"""{"StreamARN":"{{kinesis.StreamArn(Stream)}}","ConsumerName":"audit"}""");
            await client.OkAsync("AddTagsToStream", """{"StreamName":"clicks","Tags":{"b":"c"}}""");
            PutMany(kinesis, 5);
            before = await SnapshotAsync(kinesis);
        }

        _clock.Advance(TimeSpan.FromMinutes(1));
        await using EmbeddedKinesis again = await StartAsync();

        Assert.Equal(new EmbeddedKinesisData(_folder, 26, 1, 0), again.Data);
        Assert.Equal(before, await SnapshotAsync(again));
        Assert.Equal(["clicks", Stream], again.ListStreams());
        Assert.Contains("alias/key", before, StringComparison.Ordinal);
        Assert.Contains("audit", before, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_older_than_the_retention_is_dropped_and_numbers_go_on_from_there()
    {
        SequenceNumber last;
        await using (EmbeddedKinesis kinesis = await StartAsync())
        {
            kinesis.CreateStream(Stream);
            PutMany(kinesis, 100, bytes: 1000);
            _clock.Advance(TimeSpan.FromHours(20));
            kinesis.Put(Stream, "late", "late");
            last = kinesis.Put(Stream, "late", "later").SequenceNumber;
        }

        long length = new FileInfo(Log).Length;
        _clock.Advance(TimeSpan.FromHours(10));
        string kept;
        await using (EmbeddedKinesis kinesis = await StartAsync())
        {
            Assert.Equal((2, 100), (kinesis.Data!.Records, kinesis.Data.DroppedRecords));
            Assert.True(new FileInfo(Log).Length < length - 100_000);
            Assert.True(kinesis.Put(Stream, "new", "new").SequenceNumber > last);
            kept = await SnapshotAsync(kinesis);
        }

        _clock.Advance(TimeSpan.FromHours(1));
        await using (EmbeddedKinesis kinesis = await StartAsync())
        {
            Assert.Equal((3, 0), (kinesis.Data!.Records, kinesis.Data.DroppedRecords));
            Assert.Equal(kept, await SnapshotAsync(kinesis));
        }

        _clock.Advance(TimeSpan.FromDays(3));
        await using EmbeddedKinesis empty = await StartAsync();
        Assert.Equal((0, 3), (empty.Data!.Records, empty.Data.DroppedRecords));
        Assert.True(empty.Put(Stream, "new", "new").SequenceNumber > last);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    public async Task A_torn_last_entry_is_cut_off_and_said(int missing)
    {
        await using (EmbeddedKinesis kinesis = await StartAsync())
        {
            kinesis.CreateStream(Stream);
            kinesis.Put(Stream, "key", "whole");
        }

        long whole = new FileInfo(Log).Length;
        await using (EmbeddedKinesis kinesis = await StartAsync())
        {
            kinesis.Put(Stream, "key", "torn");
        }

        await using (FileStream file = File.OpenWrite(Log))
        {
            file.SetLength(file.Length - missing);
        }

        long torn = new FileInfo(Log).Length - whole;
        await using EmbeddedKinesis again = await StartAsync();

        Assert.Equal((1, torn), (again.Data!.Records, again.Data.CutBytes));
        Assert.Equal(whole, new FileInfo(Log).Length);
        again.Put(Stream, "key", "after");
    }

    [Fact]
    public async Task Damage_before_the_end_is_refused_by_name()
    {
        await using (EmbeddedKinesis kinesis = await StartAsync())
        {
            kinesis.CreateStream(Stream);
            kinesis.Put(Stream, "key", "what is damaged");
            kinesis.Put(Stream, "key", "what follows");
        }

        byte[] bytes = await File.ReadAllBytesAsync(Log, RawClient.Cancellation);
        bytes[bytes.AsSpan().IndexOf("what is damaged"u8)] ^= 1;
        await File.WriteAllBytesAsync(Log, bytes, RawClient.Cancellation);

        string message = await RefusedAsync();
        Assert.Contains($"{Log} is damaged: the entry at byte ", message, StringComparison.Ordinal);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Log, RawClient.Cancellation));
    }

    [Theory]
    [InlineData("fastconsumer-emulator-log 2\n", "has version 2 of its format; this program reads version 1")]
    [InlineData("something else altogether", "is no log of the emulator")]
    public async Task Another_format_is_refused_by_name(string text, string complaint)
    {
        Directory.CreateDirectory(_folder);
        await File.WriteAllTextAsync(Log, text, RawClient.Cancellation);

        Assert.Contains($"{Log} {complaint}", await RefusedAsync(), StringComparison.Ordinal);
        Assert.Equal(text, await File.ReadAllTextAsync(Log, RawClient.Cancellation));
    }

    [Fact]
    public async Task A_folder_in_use_is_refused_by_name_and_free_afterwards()
    {
        await using (await StartAsync())
        {
            Assert.Contains($"The folder {_folder} is in use by another process", await RefusedAsync(), StringComparison.Ordinal);
        }

        await (await StartAsync()).DisposeAsync();
    }

    [Fact]
    public async Task Another_account_is_refused_by_name()
    {
        await (await StartAsync()).DisposeAsync();

        Assert.Contains(
            "was written with AccountId 000000000000, not 123456789012", await RefusedAsync("123456789012"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_delay_of_changes_is_refused()
    {
        Directory.CreateDirectory(_folder);
        await Assert.ThrowsAsync<ArgumentException>(() => EmbeddedKinesis.StartAsync(
            new EmbeddedKinesisOptions { DataFolder = _folder, UpdateDelay = TimeSpan.FromSeconds(1) }, RawClient.Cancellation));
    }

    private static void PutMany(EmbeddedKinesis kinesis, int count, int bytes = 10)
    {
        for (int i = 0; i < count; i++)
        {
            kinesis.Put(Stream, $"key-{i}", new byte[bytes]);
        }
    }

    private Task<EmbeddedKinesis> StartAsync(string accountId = "000000000000") => EmbeddedKinesis.StartAsync(
        new EmbeddedKinesisOptions { DataFolder = _folder, TimeProvider = _clock, AccountId = accountId }, RawClient.Cancellation);

    private async Task<string> RefusedAsync(string accountId = "000000000000") =>
        (await Assert.ThrowsAsync<EmbeddedKinesisDataException>(() => StartAsync(accountId))).Message;

    /// <summary>All that can be seen of the stream, and of every stream in short.</summary>
    private static async Task<string> SnapshotAsync(EmbeddedKinesis kinesis)
    {
        using var client = new RawClient(kinesis.ServiceUrl);
        var text = new StringBuilder();
        foreach (string stream in kinesis.ListStreams())
        {
            string named = $$"""{"StreamName":"{{stream}}"}""";
            string byArn = $$"""{"StreamARN":"{{kinesis.StreamArn(stream)}}"}""";
            text.AppendLine((await client.OkAsync("DescribeStreamSummary", named)).ToString());
            text.AppendLine((await client.OkAsync("ListTagsForStream", named)).ToString());
            text.AppendLine((await client.OkAsync("ListStreamConsumers", byArn)).ToString());
            foreach (Shard shard in kinesis.ListShards(stream))
            {
                text.AppendLine(shard.ToString());
                JsonElement answer = await client.RecordsAsync(await client.IteratorAsync(stream, shard.ShardId));
                text.AppendLine(answer.GetProperty("Records").ToString());
            }
        }

        return text.ToString();
    }
}
