// Batches become objects in S3.
using System.IO;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using FastConsumer;

namespace Corpus.ObjectStore;

[KinesisProcessor("archive")]
[OnError(typeof(AmazonServiceException), ErrorAction.Retry)]
public sealed partial class Archiver(IAmazonS3 s3)
{
    [OnBatch(MaxRecords = 1000, MaxWait = "00:00:10")]
    public async Task ArchiveAsync(RecordBatch batch, BatchContext context, CancellationToken cancellationToken)
    {
        using var content = new MemoryStream();
        foreach (KinesisRecord record in batch)
        {
            content.Write(record.DataSpan);
            content.WriteByte((byte)'\n');
        }

        content.Position = 0;
        await s3.PutObjectAsync(
            new PutObjectRequest { BucketName = "archive", Key = $"{context.ShardId}/{batch[0].SequenceNumber}", InputStream = content },
            cancellationToken);
    }
}

[KinesisProcessor("archive")]
public sealed partial class ArchiverWithoutPolicy(IAmazonS3 s3)
{
    [OnBatch]
    public async Task {|FC2001:ArchiveAsync|}(RecordBatch batch, BatchContext context, CancellationToken cancellationToken)
    {
        using var content = new MemoryStream();
        await s3.PutObjectAsync(
            new PutObjectRequest { BucketName = "archive", Key = context.ShardId, InputStream = content }, cancellationToken);
    }
}
