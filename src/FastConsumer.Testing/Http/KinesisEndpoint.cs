using System.Globalization;
using System.IO.Pipelines;
using System.Text.Json;
using FastConsumer.Testing.Engine;
using FastConsumer.Testing.Http.Codecs;
using FastConsumer.Testing.Storage;
using Microsoft.AspNetCore.Http;

namespace FastConsumer.Testing.Http;

/// <summary>From an HTTP request to the engine and back.</summary>
internal sealed class KinesisEndpoint(
    KinesisEngine engine,
    EngineJournal? journal,
    SignatureCheck? signatures,
    FaultScript faults,
    RequestCounter counter,
    RequestIds ids,
    CborStyle cborStyle,
    TimeSpan subscriptionLifetime,
    CancellationToken stopping)
{
    private const string HealthPath = "/health";
    private const string TargetPrefix = "Kinesis_20131202.";
    private const string JsonType = "application/x-amz-json-1.1";
    private const string CborType = "application/x-amz-cbor-1.1";

    /// <summary>From this size on an answer goes straight into the connection's pipe, flushed in such steps.</summary>
    private const int DirectBytes = 64 * 1024;

    private static readonly byte[] HealthText = "ok"u8.ToArray();

    private readonly SubscriptionEndpoint _subscriptions = new(
        engine,
        journal,
        subscriptionLifetime,
        JsonType,
        CborType,
        (format, answer, buffer) => Write(format, answer, buffer, cborStyle),
        stopping);

    public async Task HandleAsync(HttpContext context)
    {
        if (context.Request.Method == HttpMethods.Get && context.Request.Path == HealthPath)
        {
            await AnswerHealthAsync(context);
            return;
        }

        (string requestId, string extendedId) = ids.Next();
        IHeaderDictionary headers = context.Response.Headers;
        headers["x-amzn-RequestId"] = requestId;
        headers["x-amz-id-2"] = extendedId;
        headers.Date = engine.Settings.Clock.GetUtcNow().ToString("R", CultureInfo.InvariantCulture);

        WireFormat? format = context.Request.ContentType switch
        {
            JsonType => WireFormat.Json,
            CborType => WireFormat.Cbor,
            _ => null,
        };
        try
        {
            await ServeAsync(context, format, requestId);
        }
        catch (EngineException exception)
        {
            await RefuseAsync(context, format, exception);
        }
        catch (RequestFormatException exception)
        {
            await RefuseAsync(context, format, new EngineException("SerializationException", exception.Message));
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested || context.RequestAborted.IsCancellationRequested)
        {
            context.Abort();
        }
        catch (IOException) when (context.RequestAborted.IsCancellationRequested)
        {
            context.Abort();
        }
    }

    private static async Task AnswerHealthAsync(HttpContext context)
    {
        context.Response.ContentType = "text/plain";
        context.Response.ContentLength = HealthText.Length;
        await context.Response.BodyWriter.WriteAsync(HealthText, context.RequestAborted);
    }

    private async Task ServeAsync(HttpContext context, WireFormat? format, string requestId)
    {
        HttpRequest request = context.Request;
        string target = request.Headers["X-Amz-Target"].ToString();
        string operation = target.StartsWith(TargetPrefix, StringComparison.Ordinal) ? target[TargetPrefix.Length..] : "";
        counter.Count(operation, HttpProtocol.IsHttp2(request.Protocol));

        using var body = new PooledBuffer((int)Math.Min(request.ContentLength ?? 4096, 16 * 1024 * 1024));
        await ReadAsync(request.BodyReader, body, context.RequestAborted);
        if (request.Method != HttpMethods.Post || request.Path != "/" || request.QueryString.HasValue)
        {
            throw new EngineException(
                "UnknownOperationException",
                $"{request.Method} {request.Path} is no operation: requests are a POST to / with an X-Amz-Target header.", 404);
        }

        if (CallerIdentity.IsFor(request))
        {
            await IdentifyAsync(context, body.Written, requestId);
            return;
        }

        if (format is null)
        {
            throw new EngineException(
                "UnknownOperationException", $"Content-Type '{request.ContentType}' is not {JsonType} or {CborType}.", 404);
        }

        signatures?.Verify(request, body.Written.Span);
        if (faults.TakeDelay(operation) is { } delay)
        {
            using var cancelled = CancellationTokenSource.CreateLinkedTokenSource(stopping, context.RequestAborted);
            await Task.Delay(delay, engine.Settings.Clock, cancelled.Token);
        }

        bool isCut = faults.TryTakeCut(operation, out FaultScript.Entry? cut);
        if (isCut && (cut!.IsCutBefore || (cut.IsDone && operation == SubscriptionEndpoint.Operation)))
        {
            context.Abort();
            return;
        }

        if (faults.TryTakeFailure(operation, out FaultScript.Entry? failure))
        {
            throw new EngineException(failure.ErrorCode!, failure.Message, failure.Status);
        }

        if (operation == SubscriptionEndpoint.Operation)
        {
            await _subscriptions.ServeAsync(context, format.Value, ReadMap(format.Value, body), cut?.AfterBytes);
            return;
        }

        if (!Operations.ByName.TryGetValue(operation, out Func<KinesisEngine, RequestMap, Answer?>? run))
        {
            throw new EngineException(
                "UnknownOperationException",
                Operations.Refused.GetValueOrDefault(operation) ?? $"X-Amz-Target '{target}' is no operation of this service.");
        }

        Answer? answer = await RunAsync(operation, run, format.Value, body);
        if (isCut && cut!.IsDone)
        {
            context.Abort();
        }
        else if (isCut)
        {
            await SendAndCutAsync(context, format.Value, answer, cut!.AfterBytes!.Value);
        }
        else
        {
            await SendAsync(context, format.Value, answer);
        }
    }

    /// <summary>What is answered lasts: what a reader is shown must not be gone, or be another record, after a crash.</summary>
    private async ValueTask<Answer?> RunAsync(
        string operation, Func<KinesisEngine, RequestMap, Answer?> run, WireFormat format, PooledBuffer body)
    {
        RequestMap request = ReadMap(format, body);
        if (journal is null)
        {
            return run(engine, request);
        }

        Answer? answer = EngineJournal.IsRead(operation)
            ? run(engine, request)
            : journal.Run(operation, format, body.Written.Span, () => run(engine, request));
        await journal.FlushedAsync();
        return answer;
    }

    private async Task IdentifyAsync(HttpContext context, ReadOnlyMemory<byte> form, string requestId)
    {
        try
        {
            signatures?.Verify(context.Request, form.Span, CallerIdentity.Service);
        }
        catch (EngineException exception)
        {
            await CallerIdentity.RefuseAsync(context, exception.Status, exception.ErrorCode, exception.Message, requestId);
            return;
        }

        await CallerIdentity.AnswerAsync(context, form, engine.Settings.AccountId, requestId);
    }

    private static RequestMap ReadMap(WireFormat format, PooledBuffer body) =>
        format == WireFormat.Json ? JsonRequestReader.Read(body.Written) : CborRequestReader.Read(body.Written.Span);

    private static async Task ReadAsync(PipeReader reader, PooledBuffer body, CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult read = await reader.ReadAsync(cancellationToken);
            foreach (ReadOnlyMemory<byte> segment in read.Buffer)
            {
                segment.Span.CopyTo(body.GetSpan(segment.Length));
                body.Advance(segment.Length);
            }

            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return;
            }
        }
    }

    private async Task SendAsync(HttpContext context, WireFormat format, Answer? answer)
    {
        HttpResponse response = context.Response;
        response.ContentType = format == WireFormat.Json ? JsonType : CborType;
        if (answer is null)
        {
            response.ContentLength = 0;
            return;
        }

        if (format == WireFormat.Cbor && cborStyle == CborStyle.Definite)
        {
            var size = new CborSizeCounter();
            answer.Write(size);
            if (size.Bytes >= DirectBytes)
            {
                response.ContentLength = size.Bytes;
                await SendDirectAsync(context, answer);
                return;
            }
        }

        using var buffer = new PooledBuffer();
        Write(format, answer, buffer, cborStyle);
        response.ContentLength = buffer.Written.Length;
        await response.BodyWriter.WriteAsync(buffer.Written, context.RequestAborted);
    }

    private static async Task SendDirectAsync(HttpContext context, Answer answer)
    {
        await context.Response.StartAsync(context.RequestAborted);
        PipeWriter pipe = context.Response.BodyWriter;
        var writer = new CborWireWriter(pipe);
        answer.WriteHead(writer);
        for (int i = 0; i < answer.Parts; i++)
        {
            answer.WritePart(writer, i);
            if (pipe.UnflushedBytes >= DirectBytes)
            {
                await pipe.FlushAsync(context.RequestAborted);
            }
        }

        answer.WriteTail(writer);
        await pipe.FlushAsync(context.RequestAborted);
    }

    private async Task SendAndCutAsync(HttpContext context, WireFormat format, Answer? answer, int afterBytes)
    {
        using var buffer = new PooledBuffer();
        if (answer is not null)
        {
            Write(format, answer, buffer, cborStyle);
        }

        ReadOnlyMemory<byte> whole = buffer.Written;
        context.Response.ContentType = format == WireFormat.Json ? JsonType : CborType;
        context.Response.ContentLength = whole.Length;
        await context.Response.StartAsync(context.RequestAborted);
        await context.Response.BodyWriter.WriteAsync(whole[..Math.Min(afterBytes, whole.Length)], context.RequestAborted);
        context.Abort();
    }

    private async Task RefuseAsync(HttpContext context, WireFormat? format, EngineException refusal)
    {
        context.Response.StatusCode = refusal.Status;
        await SendAsync(
            context, format ?? WireFormat.Json, new Answer(writer => Answers.Error(writer, refusal.ErrorCode, refusal.Message)));
    }

    private static void Write(WireFormat format, Answer answer, PooledBuffer buffer, CborStyle cborStyle)
    {
        if (format == WireFormat.Json)
        {
            using var json = new Utf8JsonWriter(buffer, JsonWireWriter.Options);
            answer.Write(new JsonWireWriter(json));
        }
        else
        {
            answer.Write(cborStyle == CborStyle.Indefinite ? new IndefiniteCborWriter(buffer) : new CborWireWriter(buffer));
        }
    }
}
