using System.Globalization;
using FastConsumer.Testing.Http;
using Microsoft.AspNetCore.Http;

namespace FastConsumer.Testing.S3;

/// <summary>From an HTTP request to a bucket and back.</summary>
internal sealed class S3Endpoint(
    S3Account account, EmbeddedS3Options options, FaultScript faults, RequestCounter counter, CancellationToken stopping)
{
    private readonly RequestIds _ids = new(options.Seed);
    private readonly S3Objects _objects = new(account);
    private readonly S3Uploads _uploads = new(account, options);
    private readonly S3Buckets _buckets = new(account, options);

    public async Task HandleAsync(HttpContext context)
    {
        (string requestId, string hostId) = _ids.Next();
        context.Response.Headers["x-amz-request-id"] = requestId;
        context.Response.Headers["x-amz-id-2"] = hostId;
        context.Response.Headers.Date = options.TimeProvider.GetUtcNow().ToString("R", CultureInfo.InvariantCulture);
        context.Response.Headers.Server = "AmazonS3";
        try
        {
            var request = new S3Request(context);
            counter.Count(request.Operation, HttpProtocol.IsHttp2(context.Request.Protocol));
            await ServeAsync(context, request, requestId, hostId);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested || context.RequestAborted.IsCancellationRequested)
        {
            context.Abort();
        }
        catch (IOException) when (context.RequestAborted.IsCancellationRequested)
        {
            context.Abort();
        }
        catch (BadHttpRequestException)
        {
            // the body did not come to its end
            context.Abort();
        }
    }

    private async Task ServeAsync(HttpContext context, S3Request request, string requestId, string hostId)
    {
        FaultScript.Entry? cut = null;
        S3Answer answer;
        try
        {
            (byte[] body, (S3Checksum Algorithm, string Value)? checksum) = await S3Body.ReadAsync(request, context.RequestAborted);
            if (faults.TakeDelay(request.Operation) is { } delay)
            {
                // the request has arrived: it takes effect whether somebody waits for the answer or not
                await Task.Delay(delay, options.TimeProvider, stopping);
            }

            if (faults.TryTakeCut(request.Operation, out cut) && cut.IsCutBefore)
            {
                context.Abort();
                return;
            }

            if (faults.TryTakeFailure(request.Operation, out FaultScript.Entry? failure))
            {
                throw new S3Exception(failure.ErrorCode!, failure.Message, failure.Status);
            }

            answer = Run(request, body, checksum);
        }
        catch (S3Exception refusal)
        {
            answer = Refusal(request, refusal, requestId, hostId);
        }

        if (cut is { IsDone: true })
        {
            context.Abort();
            return;
        }

        await SendAsync(context, answer, cut?.AfterBytes);
    }

    private S3Answer Run(S3Request request, byte[] body, (S3Checksum Algorithm, string Value)? checksum)
    {
        if (request.SignatureRegion is "")
        {
            throw S3Exception.AccessDenied(null, request.Resource);
        }

        if (request.Operation.Length == 0)
        {
            throw S3Exception.NotImplemented($"{request.Http.Method} {request.Http.QueryString}");
        }

        S3Bucket? bucket = request.Bucket.Length == 0 || request.Operation == "CreateBucket" ? null : account.Find(request.Bucket);
        if (bucket is not null && request.Operation != "GetBucketLocation" && request.SignatureRegion is { } region
            && region != bucket.Region)
        {
            throw new S3Exception(
                "AuthorizationHeaderMalformed",
                $"The authorization header is malformed; the region '{region}' is wrong; expecting '{bucket.Region}'",
                400,
                ("Region", bucket.Region));
        }

        if (account.IsDenied(request.Action))
        {
            throw S3Exception.AccessDenied(request.Action, request.Resource);
        }

        return request.Operation switch
        {
            "PutObject" => _objects.Put(bucket!, request, body, checksum),
            "GetObject" or "HeadObject" => _objects.Get(bucket!, request),
            "DeleteObject" => S3Objects.Delete(bucket!, request),
            "DeleteObjects" => S3Objects.DeleteMany(bucket!, request, body, checksum is not null),
            "CreateMultipartUpload" => _uploads.Create(bucket!, request),
            "UploadPart" => _uploads.Put(bucket!, request, body, checksum),
            "CompleteMultipartUpload" => _uploads.Complete(bucket!, request, body, checksum),
            "AbortMultipartUpload" => S3Uploads.Abort(bucket!, request),
            "ListParts" => S3Uploads.ListParts(bucket!, request),
            "ListMultipartUploads" => S3Uploads.List(bucket!, request),
            "ListObjectsV2" => S3Listing.List(bucket!, request),
            "ListBuckets" => _buckets.List(),
            "CreateBucket" => _buckets.Create(request, body),
            "DeleteBucket" => _buckets.Delete(bucket!),
            "HeadBucket" => S3Buckets.Head(bucket!),
            _ => S3Buckets.Location(bucket!),
        };
    }

    private static S3Answer Refusal(S3Request request, S3Exception refusal, string requestId, string hostId)
    {
        byte[] body = S3Xml.Write(
            "Error",
            xml =>
            {
                xml.Element("Code", refusal.Code);
                xml.Element("Message", refusal.Message);
                foreach ((string name, string value) in refusal.Details)
                {
                    xml.Element(name, value);
                }

                xml.Element("RequestId", requestId);
                xml.Element("HostId", hostId);
            },
            hasNamespace: false);
        bool isHead = HttpMethods.IsHead(request.Http.Method);
        // a HEAD is refused by its status only
        S3Answer answer = isHead || refusal.Status == 304 ? new S3Answer(refusal.Status) : S3Answer.Xml(body, refusal.Status);
        return answer.With("x-amz-bucket-region", refusal.Details.FirstOrDefault(static detail => detail.Name == "Region").Value);
    }

    private static async Task SendAsync(HttpContext context, S3Answer answer, int? cutAfterBytes)
    {
        HttpResponse response = context.Response;
        response.StatusCode = answer.Status;
        foreach ((string header, string value) in answer.Headers)
        {
            response.Headers[header] = value;
        }

        if (answer.ContentType is not null)
        {
            response.ContentType = answer.ContentType;
        }

        if (answer.Status is not (204 or 304))
        {
            response.ContentLength = answer.Length ?? answer.Body.Length;
        }

        if (cutAfterBytes is { } after)
        {
            await response.StartAsync(context.RequestAborted);
            await response.BodyWriter.WriteAsync(answer.Body[..Math.Min(after, answer.Body.Length)], context.RequestAborted);
            context.Abort();
            return;
        }

        if (answer.Body.Length > 0)
        {
            await response.BodyWriter.WriteAsync(answer.Body, context.RequestAborted);
        }
    }
}
