namespace FastConsumer.Testing.S3;

/// <summary>A refusal, with the code, the message and the status that the service gives.</summary>
internal sealed class S3Exception(string code, string message, int status, params (string Name, string Value)[] details)
    : Exception(message)
{
    public string Code => code;

    public int Status => status;

    /// <summary>Further elements of the answer, such as the bucket's name.</summary>
    public IReadOnlyList<(string Name, string Value)> Details => details;

    public static S3Exception NoSuchBucket(string bucket) =>
        new("NoSuchBucket", "The specified bucket does not exist", 404, ("BucketName", bucket));

    public static S3Exception NoSuchKey(string key) => new("NoSuchKey", "The specified key does not exist.", 404, ("Key", key));

    public static S3Exception NoSuchUpload(string uploadId) => new(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
        404,
        ("UploadId", uploadId));

    public static S3Exception PreconditionFailed(string condition) => new(
        "PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412, ("Condition", condition));

    public static S3Exception NotImplemented(string header) => new(
        "NotImplemented", "A header you provided implies functionality that is not implemented", 501, ("Header", header));

    public static S3Exception InvalidRequest(string message) => new("InvalidRequest", message, 400);

    public static S3Exception InvalidArgument(string message, string name, string value) =>
        new("InvalidArgument", message, 400, ("ArgumentName", name), ("ArgumentValue", value));

    public static S3Exception MalformedXml() => new(
        "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema", 400);

    public static S3Exception BadDigest(string header) =>
        new("BadDigest", $"The {header} you specified did not match the calculated checksum.", 400);

    public static S3Exception AccessDenied(string? action, string resource) => new(
        "AccessDenied",
        action is null
            ? "Access Denied"
            : $"User: arn:aws:iam::000000000000:user/test is not authorized to perform: {action} on resource: \"{resource}\" because no "
                + "identity-based policy allows the action",
        403);
}
