namespace FastConsumer.Testing.S3;

/// <summary>The operations on buckets.</summary>
internal sealed class S3Buckets(S3Account account, EmbeddedS3Options options)
{
    /// <summary>The region that the service does not name.</summary>
    private const string Unnamed = "us-east-1";

    public S3Answer List() => S3Answer.Xml(S3Xml.Write("ListAllMyBucketsResult", xml =>
    {
        xml.WriteStartElement("Owner");
        xml.Element("ID", new string('0', 64));
        xml.WriteEndElement();
        xml.WriteStartElement("Buckets");
        foreach (S3Bucket bucket in account.Buckets)
        {
            xml.WriteStartElement("Bucket");
            xml.Element("Name", bucket.Name);
            xml.Element("CreationDate", bucket.Created);
            xml.Element("BucketRegion", bucket.Region);
            xml.WriteEndElement();
        }

        xml.WriteEndElement();
    }));

    public S3Answer Create(S3Request request, byte[] body)
    {
        string? region = body.Length == 0 ? null : S3Xml.Read(body, "CreateBucketConfiguration").Text("LocationConstraint");
        account.CreateBucket(request.Bucket, string.IsNullOrEmpty(region) ? options.Region : region);
        return new S3Answer().With("Location", $"/{request.Bucket}");
    }

    public S3Answer Delete(S3Bucket bucket)
    {
        account.DeleteBucket(bucket);
        return new S3Answer(204);
    }

    public static S3Answer Head(S3Bucket bucket) =>
        new S3Answer { ContentType = "application/xml" }.With("x-amz-bucket-region", bucket.Region);

    public static S3Answer Location(S3Bucket bucket) => S3Answer.Xml(S3Xml.Write(
        "LocationConstraint",
        xml =>
        {
            if (bucket.Region != Unnamed)
            {
                xml.WriteString(bucket.Region);
            }
        }));
}
