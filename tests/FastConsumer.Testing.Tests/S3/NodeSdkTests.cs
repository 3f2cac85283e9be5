using System.Text.Json;
using FastConsumer.Testing.Tests.Wire;

namespace FastConsumer.Testing.Tests.S3;

public sealed class NodeSdkTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_AWS_SDK_for_JavaScript_gets_what_it_expects()
    {
        await using EmbeddedS3 s3 = await EmbeddedS3.StartAsync(cancellationToken: Cancellation);
        string output = await NodeSdk.RunAsync("s3.mjs", [s3.ServiceUrl], Cancellation);

        JsonElement seen = JsonDocument.Parse(output).RootElement;
        string[] called = [.. seen.GetProperty("called").EnumerateArray().Select(static one => one.GetString()!)];
        Assert.Equal(
            [
                "AbortMultipartUpload", "CompleteMultipartUpload", "CreateBucket", "CreateMultipartUpload", "DeleteBucket", "DeleteObject",
                "DeleteObjects", "GetBucketLocation", "GetObject", "GetObjectTagging", "HeadBucket", "HeadObject", "ListBuckets",
                "ListMultipartUploads", "ListObjectsV2", "ListParts", "PutObject", "UploadPart",
            ],
            called);
        foreach (string operation in called.Except(["GetObjectTagging"]))
        {
            Assert.True(s3.RequestCount(operation) > 0, operation);
        }
    }
}
