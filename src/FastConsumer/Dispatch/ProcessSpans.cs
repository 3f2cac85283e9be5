using System.Diagnostics;
using FastConsumer.Diagnostics;
using FastConsumer.Processors;

namespace FastConsumer.Dispatch;

/// <summary>
/// The spans of one shard's handlers: one for a lane's run of a page or for a call with a batch, and, where the options say so, one for
/// each record. Names and attributes: https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/. Without a listener nothing is
/// made.
/// </summary>
/// <remarks>
/// No span of a receive: records are read ahead, and the conventions want none then. A page's span has no parent; it is linked to the
/// contexts that producers have put into its records.
/// </remarks>
internal sealed class ProcessSpans(ShardContext shard, ITraceContextExtractor? extractor, bool ofRecords)
{
    /// <summary>The most links of a span; what is beyond is counted.</summary>
    public const int MostLinks = 128;

    private readonly string _name = $"process {shard.StreamName}";
    private long _failures;

    /// <summary>True where each record has a span of its own.</summary>
    public bool OfRecords => ofRecords && Tracing.Source.HasListeners();

    /// <summary>How often the extractor has thrown.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    /// <summary>Starts the span of a lane's run of a page; null where nobody listens.</summary>
    /// <param name="page">The page.</param>
    /// <param name="lanes">How several lanes share it; null for one lane.</param>
    /// <param name="first">The lane's first record.</param>
    public Activity? StartPage(RecordPage page, PageLanes? lanes, int first)
    {
        if (!Tracing.Source.HasListeners())
        {
            return null;
        }

        var links = new Links(this);
        if (extractor is not null)
        {
            for (int i = first; i < page.Count; i = lanes is null ? i + 1 : lanes.Next(i))
            {
                links.Add(new KinesisRecord(page.Response, i), extractor);
            }
        }

        return Start(links, batchCount: null);
    }

    /// <summary>Starts the span of a call with a batch; null where nobody listens.</summary>
    public Activity? StartBatch(BatchPipeline batch)
    {
        if (!Tracing.Source.HasListeners())
        {
            return null;
        }

        var links = new Links(this);
        if (extractor is not null)
        {
            for (int i = 0; i < batch.Count; i++)
            {
                (RecordPage page, int index) = batch.RecordAt(i);
                links.Add(new KinesisRecord(page.Response, index), extractor);
            }
        }

        return Start(links, batch.Count);
    }

    /// <summary>Starts the span of one record, below its page's.</summary>
    public Activity? StartRecord(KinesisRecord record)
    {
        ActivityContext producer = default;
        ActivityLink[] links = extractor is not null && TryExtract(record, extractor, out producer) ? [new ActivityLink(producer)] : [];
        Activity? activity = Tracing.Source.StartActivity(_name, ActivityKind.Consumer, parentContext: default, Tags(null), links);
        activity?.SetTag("messaging.message.id", record.SequenceNumber.ToString());
        return activity;
    }

    private Activity? Start(Links links, int? batchCount)
    {
        // what the host did when it started the worker is not what has caused this
        Activity.Current = null;
        Activity? activity = Tracing.Source.StartActivity(
            _name, ActivityKind.Consumer, parentContext: default, Tags(batchCount), links.All);
        if (links.Dropped > 0)
        {
            activity?.SetTag("fastconsumer.links.dropped", links.Dropped);
        }

        return activity;
    }

    private List<KeyValuePair<string, object?>> Tags(int? batchCount)
    {
        List<KeyValuePair<string, object?>> tags =
        [
            new("messaging.system", "aws.kinesis"),
            new("messaging.operation.name", "process"),
            new("messaging.operation.type", "process"),
            new("messaging.destination.name", shard.StreamName),
            new("messaging.destination.partition.id", shard.ShardId),
            new("messaging.consumer.group.name", shard.ApplicationName),
        ];
        if (batchCount is { } count)
        {
            tags.Add(new KeyValuePair<string, object?>("messaging.batch.message_count", count));
        }

        return tags;
    }

    private bool TryExtract(KinesisRecord record, ITraceContextExtractor from, out ActivityContext context)
    {
        try
        {
            return from.TryExtract(record, out context);
        }
        catch (Exception)
        {
            // a record without a trace is handled all the same
            Interlocked.Increment(ref _failures);
            context = default;
            return false;
        }
    }

    /// <summary>The distinct contexts of some records.</summary>
    private sealed class Links(ProcessSpans owner)
    {
        private readonly HashSet<ActivityContext> _seen = [];

        public List<ActivityLink> All { get; } = [];

        public int Dropped { get; private set; }

        public void Add(KinesisRecord record, ITraceContextExtractor from)
        {
            if (!owner.TryExtract(record, from, out ActivityContext context) || !_seen.Add(context))
            {
                return;
            }

            if (All.Count < MostLinks)
            {
                All.Add(new ActivityLink(context));
            }
            else
            {
                Dropped++;
            }
        }
    }
}
