using System.Collections.Concurrent;

namespace FastConsumer.Testing.Http;

/// <summary>Counts requests as they arrive, by operation and by protocol.</summary>
internal sealed class RequestCounter
{
    private readonly ConcurrentDictionary<(string Operation, bool IsHttp2), long> _counts = [];

    public void Count(string operation, bool isHttp2) => _counts.AddOrUpdate((operation, isHttp2), 1, static (_, count) => count + 1);

    public long Of(string? operation, bool? isHttp2 = null) => _counts
        .Where(pair => (operation is null || pair.Key.Operation == operation) && (isHttp2 is null || pair.Key.IsHttp2 == isHttp2))
        .Sum(static pair => pair.Value);
}
