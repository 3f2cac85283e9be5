using FastConsumer.Checkpoints;

namespace FastConsumer.S3.Tests;

public sealed class ReadTests : S3Test
{
    [Fact]
    public async Task An_answer_that_breaks_off_is_transient()
    {
        S3CheckpointStore store = Open();
        await CreateAsync(store, Bytes(1000));
        S3.Faults.Cut("GetObject", times: int.MaxValue, afterBytes: 100);

        CheckpointStoreException broken = await FailsAsync(() => store.ReadAsync("orders/1", 0, new byte[500], Cancellation));

        Assert.True(broken.IsTransient);
        S3.Faults.Clear();
        byte[] read = new byte[500];
        await store.ReadAsync("orders/1", 500, read, Cancellation);
        Assert.Equal(Bytes(1000)[500..], read);
    }

    [Fact]
    public async Task A_truncated_object_is_too_short()
    {
        S3CheckpointStore store = Open();
        await CreateAsync(store, Bytes(1000));
        S3.Truncate(Name, "snapshots/orders/1", 600);

        CheckpointObjectTooShortException tooShort = await Assert.ThrowsAsync<CheckpointObjectTooShortException>(
            () => store.ReadAsync("orders/1", 500, new byte[200], Cancellation));

        Assert.Equal((600, 700), (tooShort.Length, tooShort.NeededLength));
    }

    /// <summary>A range has no checksum, so the format of what is stored must have one.</summary>
    [Fact]
    public async Task An_altered_object_is_read_as_it_is()
    {
        S3CheckpointStore store = Open();
        await CreateAsync(store, Bytes(1000));
        S3.Alter(Name, "snapshots/orders/1", 10);
        byte[] read = new byte[1000];
        await store.ReadAsync("orders/1", 0, read, Cancellation);

        Assert.NotEqual(Bytes(1000), read);
    }

    [Fact]
    public async Task Without_the_right_to_list_a_missing_object_is_denied_and_the_message_says_why()
    {
        S3.Deny("s3:ListBucket");
        CheckpointStoreException denied = await FailsAsync(() => Open().ReadAsync("orders/1", 0, new byte[1], Cancellation));

        Assert.IsNotType<CheckpointObjectMissingException>(denied);
        Assert.Contains(
            "s3:ListBucket on the bucket, without which a missing object is denied too", denied.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_others_have_in_the_bucket_is_not_listed()
    {
        S3CheckpointStore store = Open();
        await CreateAsync(store, Bytes(1));
        string[] keys =
        [
            "snapshots", "snapshots2/a", "other", "snapshots/", "snapshots/a b", "snapshots/.probe/1", "snapshots//a",
        ];
        foreach (string key in keys)
        {
            S3.Put(Name, key, [1]);
        }

        Assert.Equal(["orders/1"], await NamesAsync(store));
    }
}
