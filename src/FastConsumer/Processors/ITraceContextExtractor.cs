using System.Diagnostics;

namespace FastConsumer;

/// <summary>
/// Finds the trace context that the producer of a record has put into it, so that the spans of the consumer are linked to the producer's.
/// Registered by <c>UseTraceContext&lt;T&gt;()</c>. It is called for each record of a page, before the page's span is started, and only
/// while somebody listens to the source <c>FastConsumer</c>: it must be fast. Called by several shards at a time.
/// </summary>
public interface ITraceContextExtractor
{
    /// <summary>Finds the trace context.</summary>
    /// <param name="record">The record, borrowed: it is not to be kept.</param>
    /// <param name="context">The producer's context.</param>
    /// <returns>False where the record has none. An exception counts as false, and is counted.</returns>
    bool TryExtract(KinesisRecord record, out ActivityContext context);
}
