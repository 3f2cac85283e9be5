using System.Globalization;
using System.Xml.Linq;

namespace FastConsumer.Testing.S3;

/// <summary>The operations on multipart uploads.</summary>
internal sealed class S3Uploads(S3Account account, EmbeddedS3Options options)
{
    private const int MaxParts = 10_000;

    public S3Answer Create(S3Bucket bucket, S3Request request)
    {
        S3Objects.CheckKey(request.Key);
        string? algorithm = request.Header("x-amz-checksum-algorithm");
        S3Checksum checksum = algorithm is null ? S3Checksum.Crc64Nvme : S3Checksum.Of(algorithm);
        bool isFull = request.Header("x-amz-checksum-type") is { } type ? type == "FULL_OBJECT" : checksum == S3Checksum.Crc64Nvme;
        if (isFull ? checksum.Name.StartsWith("SHA", StringComparison.Ordinal) : checksum == S3Checksum.Crc64Nvme)
        {
            throw S3Exception.InvalidRequest(
                $"The {(isFull ? "FULL_OBJECT" : "COMPOSITE")} checksum type cannot be used with the "
                    + $"{checksum.Name.ToLowerInvariant()} checksum algorithm.");
        }

        var upload = new S3Upload(account.NewUploadId(), request.Key, checksum, isFull, account.Now())
        {
            ContentType = request.Header("Content-Type"),
            Metadata = S3Objects.MetadataOf(request),
        };
        bucket.Begin(upload);
        return S3Answer.Xml(S3Xml.Write("InitiateMultipartUploadResult", xml =>
            {
                xml.Element("Bucket", bucket.Name);
                xml.Element("Key", request.Key);
                xml.Element("UploadId", upload.Id);
            }))
            .With("x-amz-checksum-algorithm", checksum.Name)
            .With("x-amz-checksum-type", isFull ? "FULL_OBJECT" : "COMPOSITE");
    }

    public S3Answer Put(S3Bucket bucket, S3Request request, byte[] body, (S3Checksum Algorithm, string Value)? given)
    {
        if (request.Header("x-amz-copy-source") is not null)
        {
            throw S3Exception.NotImplemented("x-amz-copy-source");
        }

        string text = request.Query("partNumber") ?? "";
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number is < 1 or > MaxParts)
        {
            throw S3Exception.InvalidArgument(
                $"Part number must be an integer between 1 and {MaxParts}, inclusive", "partNumber", text);
        }

        string etag = Convert.ToHexStringLower(S3Object.Md5(body));
        return bucket.With(UploadId(request), request.Key, upload =>
        {
            if (given is { } checksum && checksum.Algorithm != upload.Checksum)
            {
                throw S3Exception.InvalidRequest(
                    $"Checksum Type mismatch occurred, expected checksum Type: {upload.Checksum.Name.ToLowerInvariant()}, actual checksum "
                        + $"Type: {checksum.Algorithm.Name.ToLowerInvariant()}");
            }

            var part = new S3Part(number, body, etag, given?.Value ?? upload.Checksum.Compute(body), account.Now());
            upload.Parts[number] = part;
            return new S3Answer().With("ETag", S3Objects.Quoted(etag)).With(upload.Checksum.Header, part.ChecksumValue);
        });
    }

    public S3Answer Complete(S3Bucket bucket, S3Request request, byte[] body, (S3Checksum Algorithm, string Value)? given)
    {
        XElement document = S3Xml.Read(body, "CompleteMultipartUpload");
        (int Number, string ETag, XElement Part)[] named = [.. document.All("Part").Select(static part => (
            int.TryParse(part.Text("PartNumber"), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
                ? number
                : throw S3Exception.MalformedXml(),
            S3Objects.Unquoted(part.Text("ETag") ?? throw S3Exception.MalformedXml()),
            part))];
        if (named.Length == 0)
        {
            throw S3Exception.MalformedXml();
        }

        S3Object assembled = bucket.Complete(UploadId(request), request.Key, S3Objects.ConditionOf(request), upload =>
        {
            S3Object whole = Assemble(upload, named);
            return given is { } checksum && checksum.Algorithm == whole.Checksum && checksum.Value != whole.ChecksumValue
                ? throw S3Exception.BadDigest(whole.Checksum.Name)
                : whole;
        });
        return S3Answer.Xml(S3Xml.Write("CompleteMultipartUploadResult", xml =>
        {
            xml.Element("Location", $"/{bucket.Name}/{request.Key}");
            xml.Element("Bucket", bucket.Name);
            xml.Element("Key", request.Key);
            xml.Element("ETag", S3Objects.Quoted(assembled.ETag));
            xml.Element(assembled.Checksum.Element, assembled.ChecksumValue);
            xml.Element("ChecksumType", assembled.IsFullChecksum ? "FULL_OBJECT" : "COMPOSITE");
        }));
    }

    public static S3Answer Abort(S3Bucket bucket, S3Request request)
    {
        bucket.Abort(UploadId(request), request.Key);
        return new S3Answer(204);
    }

    public static S3Answer ListParts(S3Bucket bucket, S3Request request)
    {
        int max = S3Listing.MaxKeysOf(request, "max-parts");
        string marker = request.Query("part-number-marker") ?? "0";
        if (!int.TryParse(marker, NumberStyles.None, CultureInfo.InvariantCulture, out int after))
        {
            throw S3Exception.InvalidArgument("Provided part-number-marker is not an integer", "part-number-marker", marker);
        }

        return bucket.With(UploadId(request), request.Key, upload =>
        {
            S3Part[] rest = [.. upload.Parts.Values.Where(part => part.Number > after)];
            S3Part[] shown = [.. rest.Take(max)];
            return S3Answer.Xml(S3Xml.Write("ListPartsResult", xml =>
            {
                xml.Element("Bucket", bucket.Name);
                xml.Element("Key", upload.Key);
                xml.Element("UploadId", upload.Id);
                xml.Element("StorageClass", "STANDARD");
                xml.Element("PartNumberMarker", after);
                xml.Element("NextPartNumberMarker", shown.Length == 0 ? after : shown[^1].Number);
                xml.Element("MaxParts", max);
                xml.Element("IsTruncated", shown.Length < rest.Length);
                xml.Element("ChecksumAlgorithm", upload.Checksum.Name);
                xml.Element("ChecksumType", upload.IsFullChecksum ? "FULL_OBJECT" : "COMPOSITE");
                foreach (S3Part part in shown)
                {
                    xml.WriteStartElement("Part");
                    xml.Element("PartNumber", part.Number);
                    xml.Element("LastModified", part.LastModified);
                    xml.Element("ETag", S3Objects.Quoted(part.ETag));
                    xml.Element(upload.Checksum.Element, part.ChecksumValue);
                    xml.Element("Size", part.Content.Length);
                    xml.WriteEndElement();
                }
            }));
        });
    }

    public static S3Answer List(S3Bucket bucket, S3Request request)
    {
        string prefix = request.Query("prefix") ?? "";
        int max = S3Listing.MaxKeysOf(request, "max-uploads");
        bool isEncoded = request.Query("encoding-type") is "url";
        string? keyMarker = request.Query("key-marker");
        string? idMarker = request.Query("upload-id-marker");
        // the markers name the last that was listed
        S3Upload[] all = [.. bucket.Uploads(prefix)];
        int from = string.IsNullOrEmpty(keyMarker) ? 0 : Array.FindLastIndex(
            all,
            upload => upload.Key == keyMarker
                ? string.IsNullOrEmpty(idMarker) || upload.Id == idMarker
                : string.CompareOrdinal(upload.Key, keyMarker) < 0) + 1;
        S3Upload[] shown = [.. all.Skip(from).Take(max)];
        bool isTruncated = from + shown.Length < all.Length && max > 0;
        return S3Answer.Xml(S3Xml.Write("ListMultipartUploadsResult", xml =>
        {
            xml.Element("Bucket", bucket.Name);
            xml.Element("KeyMarker", S3Listing.Shown(keyMarker ?? "", isEncoded));
            xml.Element("UploadIdMarker", idMarker ?? "");
            xml.Element("NextKeyMarker", isTruncated ? S3Listing.Shown(shown[^1].Key, isEncoded) : null);
            xml.Element("NextUploadIdMarker", isTruncated ? shown[^1].Id : null);
            xml.Element("Prefix", S3Listing.Shown(prefix, isEncoded));
            xml.Element("MaxUploads", max);
            xml.Element("EncodingType", isEncoded ? "url" : null);
            xml.Element("IsTruncated", isTruncated);
            foreach (S3Upload upload in shown)
            {
                xml.WriteStartElement("Upload");
                xml.Element("Key", S3Listing.Shown(upload.Key, isEncoded));
                xml.Element("UploadId", upload.Id);
                xml.Element("StorageClass", "STANDARD");
                xml.Element("Initiated", upload.Initiated);
                xml.Element("ChecksumAlgorithm", upload.Checksum.Name);
                xml.Element("ChecksumType", upload.IsFullChecksum ? "FULL_OBJECT" : "COMPOSITE");
                xml.WriteEndElement();
            }
        }));
    }

    private static string UploadId(S3Request request) => request.Query("uploadId") ?? "";

    private S3Object Assemble(S3Upload upload, (int Number, string ETag, XElement Part)[] named)
    {
        List<S3Part> parts = [];
        foreach ((int number, string etag, XElement element) in named)
        {
            if (parts.Count > 0 && number <= parts[^1].Number)
            {
                throw new S3Exception(
                    "InvalidPartOrder",
                    "The list of parts was not in ascending order. Parts must be ordered by part number.",
                    400,
                    ("UploadId", upload.Id));
            }

            bool isThere = upload.Parts.TryGetValue(number, out S3Part? part) && part.ETag == etag
                && (element.Text(upload.Checksum.Element) is not { } checksum || checksum == part.ChecksumValue);
            parts.Add(isThere ? part! : throw new S3Exception(
                "InvalidPart",
                "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag "
                    + "may not match the part's entity tag.",
                400,
                ("UploadId", upload.Id),
                ("PartNumber", number.ToString(CultureInfo.InvariantCulture)),
                ("ETag", etag)));
        }

        foreach (S3Part part in parts.SkipLast(1))
        {
            if (part.Content.Length < options.MinPartBytes)
            {
                throw new S3Exception(
                    "EntityTooSmall",
                    "Your proposed upload is smaller than the minimum allowed size",
                    400,
                    ("ProposedSize", part.Content.Length.ToString(CultureInfo.InvariantCulture)),
                    ("MinSizeAllowed", options.MinPartBytes.ToString(CultureInfo.InvariantCulture)),
                    ("PartNumber", part.Number.ToString(CultureInfo.InvariantCulture)));
            }
        }

        byte[] content = new byte[parts.Sum(static part => part.Content.Length)];
        int at = 0;
        foreach (S3Part part in parts)
        {
            part.Content.CopyTo(content, at);
            at += part.Content.Length;
        }

        byte[] tags = [.. parts.SelectMany(static part => Convert.FromHexString(part.ETag))];
        return new S3Object(
            upload.Key, content, $"{Convert.ToHexStringLower(S3Object.Md5(tags))}-{parts.Count}", account.Now())
        {
            Checksum = upload.Checksum,
            IsFullChecksum = upload.IsFullChecksum,
            ChecksumValue = upload.IsFullChecksum
                ? upload.Checksum.Compute(content)
                : upload.Checksum.Compose([.. parts.Select(static part => part.ChecksumValue)]),
            ContentType = upload.ContentType,
            Metadata = upload.Metadata,
        };
    }
}
