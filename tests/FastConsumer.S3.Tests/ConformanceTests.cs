using FastConsumer.Testing.Checkpoints;

namespace FastConsumer.S3.Tests;

public sealed class ConformanceTests : S3Test
{
    public static TheoryData<string> Cases => [.. CheckpointStoreConformance.Cases.Select(static test => test.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task The_store_conforms(string name)
    {
        await RunAsync(name, new Place(this));
        Assert.Empty(S3.UploadIds(Name));
        Assert.All(S3.Keys(Name), static key => Assert.StartsWith("snapshots/", key, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("An object comes back as it was created, as a whole and in ranges")]
    [InlineData("A listing has the objects whose names begin with the prefix, and their lengths")]
    [InlineData("Names that break the rules are refused by every call")]
    public Task It_conforms_without_a_prefix(string name) => RunAsync(name, new Place(this, static options => options.Prefix = null));

    /// <summary>Each kind of request fails now and then, as on a bad day of the service.</summary>
    [Theory]
    [InlineData("The same bytes again succeed, from another store too")]
    [InlineData("Other bytes under the same name are refused, and the object stays")]
    [InlineData("A large object is repeated with the same bytes, and refused with others")]
    [InlineData("A large object comes back, in ranges too")]
    [InlineData("Of two creations of one large object with different bytes exactly one succeeds")]
    [InlineData("A deleted object is gone, and its name is free")]
    public async Task It_conforms_where_requests_fail_and_answers_are_lost(string name)
    {
        string[] operations =
        [
            "PutObject", "GetObject", "HeadObject", "DeleteObject", "ListObjectsV2", "CreateMultipartUpload", "UploadPart",
            "CompleteMultipartUpload",
        ];
        foreach (string operation in operations)
        {
            S3.Faults.Fail(operation, "InternalError", "We encountered an internal error. Please try again.", 500);
            S3.Faults.LoseAnswer(operation);
            S3.Faults.Fail(operation, "SlowDown", "Please reduce your request rate.", 503);
        }

        S3.Faults.Fail("PutObject", "ConditionalRequestConflict", "Conflict", 409);
        S3.Faults.Fail("CompleteMultipartUpload", "ConditionalRequestConflict", "Conflict", 409);
        await RunAsync(name, new Place(this));
    }

    private static Task RunAsync(string name, CheckpointStoreUnderTest place) =>
        CheckpointStoreConformance.Cases.Single(test => test.Name == name).RunAsync(place, Cancellation);
}
