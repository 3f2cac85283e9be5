using System.Buffers;
using Amazon.S3.Model;
using FastConsumer.Checkpoints;
using FastConsumer.Testing;

namespace FastConsumer.S3.Tests;

public sealed class CreateTests : S3Test
{
    private const int Large = S3CheckpointStore.PartBytes + 1;

    [Theory]
    [InlineData(S3CheckpointStore.PartBytes, 1, 0)]
    [InlineData(Large, 0, 2)]
    [InlineData((2 * S3CheckpointStore.PartBytes) + 1, 0, 3)]
    public async Task Large_objects_go_in_parts(int length, int puts, int parts)
    {
        await CreateAsync(Open(), Bytes(length));

        Assert.Equal((puts, parts), (S3.RequestCount("PutObject"), S3.RequestCount("UploadPart")));
        Assert.True(S3.Read(Name, "snapshots/orders/1")!.Value.Span.SequenceEqual(Bytes(length)));
        Assert.Empty(S3.UploadIds(Name));
    }

    [Fact]
    public async Task A_lost_answer_is_repeated_and_finds_its_own_bytes()
    {
        S3.Faults.LoseAnswer("PutObject");
        await CreateAsync(Open(), Bytes(100));

        Assert.Equal((2, 1, 0), (S3.RequestCount("PutObject"), S3.RequestCount("HeadObject"), S3.RequestCount("GetObject")));
    }

    [Fact]
    public async Task A_lost_answer_to_the_end_of_an_upload_finds_its_own_bytes()
    {
        S3.Faults.LoseAnswer("CompleteMultipartUpload");
        await CreateAsync(Open(), Bytes(Large));

        Assert.Equal(1, S3.RequestCount("CreateMultipartUpload"));
        Assert.Equal((1, 0), (S3.RequestCount("HeadObject"), S3.RequestCount("GetObject")));
        Assert.Empty(S3.UploadIds(Name));
    }

    [Fact]
    public async Task Where_the_checksum_says_nothing_the_bytes_are_compared()
    {
        // by another program, with another checksum, and in other parts
        S3.Put(Name, "snapshots/orders/1", Bytes(100));
        S3.Put(Name, "snapshots/orders/2", Bytes(Large));
        S3CheckpointStore store = Open();

        await CreateAsync(store, Bytes(100));
        await CreateAsync(store, Bytes(Large), "orders/2");
        Assert.True(S3.RequestCount("GetObject") > 1);
        await Assert.ThrowsAsync<CheckpointObjectConflictException>(() => CreateAsync(store, Bytes(100, 2)));
        await Assert.ThrowsAsync<CheckpointObjectConflictException>(() => CreateAsync(store, Bytes(Large, 2), "orders/2"));
    }

    [Fact]
    public async Task A_write_that_meets_another_is_tried_again()
    {
        S3.Faults.Fail("PutObject", "ConditionalRequestConflict", "The conditional request cannot succeed.", 409, times: 3);
        S3.Faults.Fail("CompleteMultipartUpload", "ConditionalRequestConflict", "The conditional request cannot succeed.", 409);
        S3CheckpointStore store = Open();

        await CreateAsync(store, Bytes(10));
        Assert.Equal(4, S3.RequestCount("PutObject"));
        await CreateAsync(store, Bytes(Large), "orders/2");
        Assert.Equal(4, S3.RequestCount("UploadPart"));
        Assert.Empty(S3.UploadIds(Name));
    }

    [Fact]
    public async Task A_write_that_always_meets_others_says_so()
    {
        S3.Faults.Fail("PutObject", "ConditionalRequestConflict", "Conflict", 409, times: int.MaxValue);
        CheckpointStoreException failed = await FailsAsync(() => CreateAsync(Open(), Bytes(10)));

        Assert.Contains("6 tries met other writes or deletions of the same key", failed.Message, StringComparison.Ordinal);
        Assert.True(failed.IsTransient);
    }

    [Fact]
    public async Task An_object_that_is_gone_when_it_is_compared_is_written()
    {
        S3.Faults.Fail("PutObject", "PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412);
        await CreateAsync(Open(), Bytes(10));

        Assert.Equal((2, 1), (S3.RequestCount("PutObject"), S3.RequestCount("HeadObject")));
        Assert.True(S3.Read(Name, "snapshots/orders/1")!.Value.Span.SequenceEqual(Bytes(10)));
    }

    [Fact]
    public async Task A_frozen_writer_that_wakes_up_late_writes_over_nothing()
    {
        var clock = new ManualClock();
        await using EmbeddedS3 s3 = await EmbeddedS3.StartAsync(new EmbeddedS3Options { TimeProvider = clock }, Cancellation);
        s3.CreateBucket(Name);
        s3.Faults.Delay("PutObject", TimeSpan.FromHours(1));
        Task frozen = CreateAsync(Open(options => options.ServiceUrl = s3.ServiceUrl), Bytes(10, 1));
        while (clock.NextDue is null)
        {
            await Task.Yield();
        }

        await CreateAsync(Open(options => options.ServiceUrl = s3.ServiceUrl), Bytes(10, 2));
        clock.Advance(TimeSpan.FromHours(2));

        await Assert.ThrowsAsync<CheckpointObjectConflictException>(() => frozen);
        Assert.True(s3.Read(Name, "snapshots/orders/1")!.Value.Span.SequenceEqual(Bytes(10, 2)));
    }

    [Fact]
    public async Task A_cancelled_upload_is_aborted()
    {
        using var gaveUp = new CancellationTokenSource();
        S3.Faults.Delay("CompleteMultipartUpload", TimeSpan.FromHours(1));
        Task creating = Open().CreateAsync("orders/1", new ReadOnlySequence<byte>(Bytes(Large)), gaveUp.Token);
        while (S3.RequestCount("CompleteMultipartUpload") == 0)
        {
            await Task.Yield();
        }

        await gaveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => creating);

        Assert.Empty(S3.UploadIds(Name));
        Assert.Empty(S3.Keys(Name));
    }

    [Fact]
    public async Task An_upload_that_fails_is_aborted()
    {
        S3.Faults.Fail("UploadPart", "AccessDenied", "Access Denied", 403);
        CheckpointStoreException denied = await FailsAsync(() => CreateAsync(Open(), Bytes(Large)));

        Assert.Contains("S3 denied s3:PutObject on arn:aws:s3:::state/snapshots/orders/1", denied.Message, StringComparison.Ordinal);
        Assert.Empty(S3.UploadIds(Name));
    }

    [Fact]
    public async Task The_bytes_that_arrive_are_checked_by_their_checksum()
    {
        await CreateAsync(Open(), Bytes(100));
        GetObjectMetadataResponse head = await Client().GetObjectMetadataAsync(
            new GetObjectMetadataRequest
            {
                BucketName = Name,
                Key = "snapshots/orders/1",
                ChecksumMode = Amazon.S3.ChecksumMode.ENABLED,
            },
            Cancellation);

        Assert.Equal(Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(Bytes(100))), head.ChecksumSHA256);
    }
}
