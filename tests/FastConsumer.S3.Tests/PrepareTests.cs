using FastConsumer.Checkpoints;

namespace FastConsumer.S3.Tests;

public sealed class PrepareTests : S3Test
{
    [Fact]
    public async Task A_bucket_is_tried_and_left_as_it_was()
    {
        S3CheckpointStore store = Open();
        await store.PrepareAsync(Cancellation);

        Assert.Equal((2, 1, 1), (S3.RequestCount("PutObject"), S3.RequestCount("CompleteMultipartUpload"), S3.RequestCount("GetObject")));
        Assert.Empty(S3.Keys(Name));
        Assert.Empty(S3.UploadIds(Name));
    }

    [Fact]
    public async Task A_bucket_that_ignores_the_condition_is_refused_by_name()
    {
        S3.IgnoreConditions(Name);
        CheckpointStoreException refused = await FailsAsync(() => Open().PrepareAsync(Cancellation));

        Assert.StartsWith(
            $"The server of s3://state/snapshots ({S3.ServiceUrl}", refused.Message, StringComparison.Ordinal);
        Assert.Contains("ignores 'If-None-Match: *'", refused.Message, StringComparison.Ordinal);
        Assert.False(refused.IsTransient);
        Assert.Empty(S3.Keys(Name));
    }

    [Fact]
    public async Task A_server_that_does_not_know_the_condition_is_refused()
    {
        S3.Faults.Fail(
            "PutObject", "NotImplemented", "A header you provided implies functionality that is not implemented", 501, times: int.MaxValue);
        CheckpointStoreException refused = await FailsAsync(() => Open().PrepareAsync(Cancellation));

        Assert.Contains("ignores 'If-None-Match: *'", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lost_answers_and_conflicts_are_no_reason_to_refuse()
    {
        S3.Faults.LoseAnswer("PutObject", 2);
        S3.Faults.Fail("PutObject", "ConditionalRequestConflict", "Conflict", 409);
        S3.Faults.LoseAnswer("CompleteMultipartUpload");
        await Open().PrepareAsync(Cancellation);

        Assert.Empty(S3.Keys(Name));
    }

    [Theory]
    [InlineData("s3:PutObject", "s3:PutObject on arn:aws:s3:::state/snapshots/.probe/")]
    [InlineData("s3:GetObject", "s3:GetObject on arn:aws:s3:::state/snapshots/.probe/")]
    [InlineData("s3:DeleteObject", "s3:DeleteObject on arn:aws:s3:::state/snapshots/.probe/")]
    [InlineData("s3:ListBucket", "s3:ListBucket on arn:aws:s3:::state (")]
    public async Task A_missing_right_is_named_with_its_resource(string action, string named)
    {
        S3.Deny(action);
        CheckpointStoreException denied = await FailsAsync(() => Open().PrepareAsync(Cancellation));

        Assert.StartsWith($"S3 denied {named}", denied.Message, StringComparison.Ordinal);
        Assert.Contains("Allow this action to the worker's role or user", denied.Message, StringComparison.Ordinal);
        Assert.False(denied.IsTransient);
    }

    [Fact]
    public async Task A_bucket_that_does_not_exist_is_named()
    {
        CheckpointStoreException missing = await FailsAsync(
            () => Open(static options => options.Bucket = "absent").PrepareAsync(Cancellation));

        Assert.StartsWith("The bucket 'absent' does not exist", missing.Message, StringComparison.Ordinal);
        Assert.Contains("S3CheckpointOptions.Bucket", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bucket_of_another_region_is_named_with_it()
    {
        S3.CreateBucket("elsewhere", "eu-central-1");
        CheckpointStoreException wrong = await FailsAsync(
            () => Open(static options => options.Bucket = "elsewhere").PrepareAsync(Cancellation));

        Assert.StartsWith("The bucket 'elsewhere' is in another region", wrong.Message, StringComparison.Ordinal);
        Assert.Contains("eu-central-1", wrong.Message, StringComparison.Ordinal);
        Assert.Contains("S3CheckpointOptions.Region", wrong.Message, StringComparison.Ordinal);
        await Open(static options => (options.Bucket, options.Region) = ("elsewhere", "eu-central-1")).PrepareAsync(Cancellation);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_transient()
    {
        await S3.DisposeAsync();
        CheckpointStoreException gone = await FailsAsync(() => Open().PrepareAsync(Cancellation));

        Assert.StartsWith("S3 cannot be reached for PutObject on s3://state/snapshots", gone.Message, StringComparison.Ordinal);
        Assert.True(gone.IsTransient);
    }

    [Fact]
    public async Task A_server_that_is_overloaded_is_throttled()
    {
        S3.Faults.Fail("PutObject", "SlowDown", "Please reduce your request rate.", 503, times: int.MaxValue);
        CheckpointStoreException throttled = await FailsAsync(() => Open().PrepareAsync(Cancellation));

        Assert.True(throttled.IsThrottled);
        Assert.True(throttled.IsTransient);
    }

    [Fact]
    public async Task A_server_that_does_not_answer_is_given_up()
    {
        S3.Faults.Delay("PutObject", TimeSpan.FromHours(1), times: int.MaxValue);
        CheckpointStoreException silent = await FailsAsync(
            () => Open(static options => options.RequestTimeout = TimeSpan.FromMilliseconds(200)).PrepareAsync(Cancellation));

        Assert.StartsWith("S3 did not answer PutObject on s3://state/snapshots within 0.2 s", silent.Message, StringComparison.Ordinal);
        Assert.True(silent.IsTransient);
    }

    [Fact]
    public async Task Credentials_that_are_not_known_are_named()
    {
        S3.Faults.Fail("PutObject", "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 403);
        CheckpointStoreException unknown = await FailsAsync(() => Open().PrepareAsync(Cancellation));

        Assert.Contains("does not know the credentials", unknown.Message, StringComparison.Ordinal);
        Assert.False(unknown.IsTransient);
    }
}
