using FastConsumer.Testing.Engine;
using FastConsumer.Testing.Http.Codecs;
using FastConsumer.Testing.Storage;
using FastConsumer.Timing;
using Microsoft.AspNetCore.Http;

namespace FastConsumer.Testing.Http;

/// <summary>Writes a body in one of the encodings.</summary>
internal delegate void AnswerWriter(WireFormat format, Answer answer, PooledBuffer buffer);

/// <summary>
/// Answers SubscribeToShard: an initial response, then an event as soon as there are records, one without records after a
/// second of silence, and the end: of the shard, of the subscription's time, or by a later call that takes over.
/// With a read quota, an event comes when the one before is paid for.
/// </summary>
internal sealed class SubscriptionEndpoint(
    KinesisEngine engine,
    EngineJournal? journal,
    TimeSpan lifetime,
    string jsonType,
    string cborType,
    AnswerWriter write,
    CancellationToken stopping)
{
    public const string Operation = "SubscribeToShard";

    private const string MediaType = "application/vnd.amazon.eventstream";
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(1);

    private TimeProvider Clock => engine.Settings.Clock;

    /// <param name="context">The request.</param>
    /// <param name="format">Its encoding, which the events have too.</param>
    /// <param name="request">Its members.</param>
    /// <param name="cutAfterBytes">Breaks the stream after so many bytes; null for never.</param>
    public async Task ServeAsync(HttpContext context, WireFormat format, RequestMap request, int? cutAfterBytes)
    {
        if (!HttpProtocol.IsHttp2(context.Request.Protocol))
        {
            throw EngineException.InvalidArgument(
                $"{Operation} is answered over HTTP/2 only; this request came over {context.Request.Protocol}.");
        }

        var wake = new AsyncSignal();
        RequestMap? start = request.Map("StartingPosition");
        SubscriptionState subscription = engine.SubscribeToShard(
            new SubscribeToShardRequest(
                request.Text("ConsumerARN")!,
                request.Text("ShardId")!,
                start?.Text("Type"),
                start?.Text("SequenceNumber"),
                start?.Timestamp("Timestamp"),
                Operations.IsDryRun(request)),
            wake.Set);
        using var time = new CancellationTokenSource(lifetime, Clock);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(time.Token, context.RequestAborted, stopping);
        var output = new Output(context, format == WireFormat.Json ? jsonType : cborType, cutAfterBytes);
        try
        {
            context.Response.ContentType = MediaType;
            await output.SendAsync(
                Encode(format, new Answer(static writer => Empty(writer))), ("event", ":event-type", "initial-response"), end.Token);
            await SendEventsAsync(subscription, wake, format, output, end.Token);
        }
        catch (EngineException exception)
        {
            PooledBuffer error = Encode(format, new Answer(writer => Answers.Error(writer, exception.ErrorCode, exception.Message)));
            await output.SendAsync(error, ("exception", ":exception-type", exception.ErrorCode), end.Token);
        }
        catch (OperationCanceledException) when (time.IsCancellationRequested && !context.RequestAborted.IsCancellationRequested
            && !stopping.IsCancellationRequested)
        {
            // its time is over: the answer ends as any other
        }
        finally
        {
            engine.EndSubscription(subscription);
        }
    }

    private async Task SendEventsAsync(
        SubscriptionState subscription, AsyncSignal wake, WireFormat format, Output output, CancellationToken end)
    {
        bool isDue = true;
        while (!output.IsCut)
        {
            if (engine.UntilPaid(subscription) is { Ticks: > 0 } unpaid)
            {
                // a take-over wakes it too
                await wake.WaitAsync(unpaid, Clock, end);
                continue;
            }

            SubscriptionEvent? next = engine.ReadSubscription(subscription, evenIfEmpty: isDue);
            long started = Clock.GetTimestamp();
            if (next is not null)
            {
                await (journal?.FlushedAsync() ?? Task.CompletedTask);
                await output.SendAsync(Encode(format, Event(next)), ("event", ":event-type", "SubscribeToShardEvent"), end);
                isDue = false;
                if (next.ContinuationSequenceNumber is null)
                {
                    return;
                }

                if (next.Records.Length > 0)
                {
                    continue;
                }
            }

            await wake.WaitAsync(Silence, Clock, end);
            isDue = Clock.GetElapsedTime(started) >= Silence;
        }
    }

    private static Answer Event(SubscriptionEvent next) => new(
        writer => Answers.SubscribeToShardEventHead(writer, next),
        next.Records.Length,
        (writer, index) => Answers.Record(writer, next.Records[index]),
        writer => Answers.SubscribeToShardEventTail(writer, next));

    private static void Empty(WireWriter writer)
    {
        writer.StartMap(0);
        writer.EndMap();
    }

    private PooledBuffer Encode(WireFormat format, Answer answer)
    {
        var buffer = new PooledBuffer();
        write(format, answer, buffer);
        return buffer;
    }

    /// <summary>The answer's body, frame by frame.</summary>
    private sealed class Output(HttpContext context, string contentType, int? cutAfterBytes)
    {
        private long _left = cutAfterBytes ?? long.MaxValue;

        /// <summary>True once the stream was broken as the faults asked.</summary>
        public bool IsCut { get; private set; }

        public async Task SendAsync(
            PooledBuffer payload, (string MessageType, string NameHeader, string Name) kind, CancellationToken cancellationToken)
        {
            using (payload)
            using (var frame = new PooledBuffer(payload.Written.Length + 256))
            {
                EventStreamFrame.Write(
                    frame,
                    payload.Written.Span,
                    (kind.NameHeader, kind.Name),
                    (":content-type", contentType),
                    (":message-type", kind.MessageType));
                int length = (int)Math.Min(frame.Written.Length, _left);
                IsCut = length < frame.Written.Length;
                _left -= length;
                // waits while the client's window is full
                await context.Response.BodyWriter.WriteAsync(frame.Written[..length], cancellationToken);
                if (IsCut)
                {
                    context.Abort();
                }
            }
        }
    }
}
