using System.Globalization;

namespace FastConsumer.Testing.Engine;

internal sealed partial class KinesisEngine
{
    private const int MaxConsumers = 20;
    private const int MaxConsumersWithCommitment = 50;

    public ConsumerView RegisterStreamConsumer(RegisterStreamConsumerRequest request)
    {
        string name = RequestRules.Name(request.ConsumerName, "consumerName");
        IReadOnlyDictionary<string, string> tags = TagRules.Optional(request.Tags);
        using StreamScope scope = Enter(ByArn(request.StreamArn));
        StreamState stream = scope.Stream;
        RequireUsable(stream);
        if (stream.Consumers.ContainsKey(name))
        {
            throw EngineException.InUse($"Consumer {name} under stream {stream.Name} already exists for account {_settings.AccountId}.");
        }

        int most = _commitment.IsOn(scope.NowMs) ? MaxConsumersWithCommitment : MaxConsumers;
        if (stream.Consumers.Count >= most)
        {
            throw EngineException.LimitExceeded(
                $"Stream {stream.Name} under account {_settings.AccountId} has reached the limit of {most} registered consumers.");
        }

        string arn = ConsumerArn(stream, name, scope.NowMs);
        var consumer = new ConsumerState(name, arn, scope.NowMs, scope.NowMs + Milliseconds(_settings.CreateDelay));
        consumer.Attached.AddTags(tags, arn);
        stream.AddConsumer(consumer);
        return View(stream, consumer);
    }

    public ConsumerView DescribeStreamConsumer(ConsumerReference reference)
    {
        using StreamScope scope = EnterFor(reference, out string? arn);
        return View(scope.Stream, Consumer(scope.Stream, reference, arn));
    }

    public void DeregisterStreamConsumer(ConsumerReference reference)
    {
        using StreamScope scope = EnterFor(reference, out string? arn);
        ConsumerState consumer = Consumer(scope.Stream, reference, arn);
        if (consumer.Status == StreamStatus.Deleting)
        {
            throw EngineException.InUse($"Consumer {consumer.Name} is in state {consumer.Status}.");
        }

        consumer.Delete(scope.NowMs + Milliseconds(_settings.DeleteDelay));
        scope.Stream.WakeSubscriptions();
    }

    public ListStreamConsumersResult ListStreamConsumers(ListStreamConsumersRequest request)
    {
        int limit = RequestRules.Range(request.MaxResults, "maxResults", 1, 10_000, 100);
        string? after = null;
        using StreamScope scope = Enter(ByArn(request.StreamArn));
        StreamState stream = scope.Stream;
        if (request.NextToken is { } token)
        {
            string[] fields = OpenToken(token, "consumers", 3);
            after = ParseInvariant(fields[1]) == stream.Number
                ? fields[2]
                : throw EngineException.InvalidArgument($"NextToken belongs to another stream than {stream.Arn}.");
        }

        RequireLife(stream, request.StreamCreationTimestampMs);
        ConsumerState[] consumers = [
            .. stream.Consumers.Values.Where(consumer => after is null || string.CompareOrdinal(consumer.Name, after) > 0).Take(limit + 1)];
        return new ListStreamConsumersResult(
            [.. consumers.Take(limit).Select(consumer => View(stream, consumer))],
            consumers.Length > limit ? SealToken("consumers", Invariant(stream.Number), consumers[limit - 1].Name) : null);
    }

    private static StreamReference ByArn(string? streamArn)
    {
        RequestRules.Length(streamArn, "streamARN", 1, 2048);
        return new StreamReference(null, streamArn);
    }

    private StreamScope EnterFor(ConsumerReference reference, out string? consumerArn)
    {
        consumerArn = reference.ConsumerArn;
        if (consumerArn is null)
        {
            return reference.StreamArn is not null && reference.ConsumerName is not null
                ? Enter(ByArn(reference.StreamArn))
                : throw EngineException.InvalidArgument("Either ConsumerARN, or StreamARN and ConsumerName, must be given.");
        }

        int end = consumerArn.IndexOf("/consumer/", StringComparison.Ordinal);
        return end > 0
            ? Enter(ByArn(consumerArn[..end]))
            : throw EngineException.Validation(consumerArn, "consumerARN", "Member must satisfy regular expression pattern: "
                + "^(arn):aws.*:kinesis:.*:\\d{12}:.*stream\\/[a-zA-Z0-9_.-]+\\/consumer\\/[a-zA-Z0-9_.-]+:[0-9]+");
    }

    private ConsumerState Consumer(StreamState stream, ConsumerReference reference, string? consumerArn)
    {
        ConsumerState? consumer = stream.Consumers.Values.FirstOrDefault(
            consumer => consumerArn is null ? consumer.Name == reference.ConsumerName : consumer.Arn == consumerArn);
        return consumer
            ?? throw EngineException.NotFound($"Consumer {consumerArn ?? reference.ConsumerName} under stream {stream.Name} not found for "
                + $"account {_settings.AccountId}.");
    }

    private static string ConsumerArn(StreamState stream, string name, long nowMs) =>
        string.Create(CultureInfo.InvariantCulture, $"{stream.Arn}/consumer/{name}:{nowMs / 1000}");

    private static ConsumerView View(StreamState stream, ConsumerState consumer) =>
        new(consumer.Name, consumer.Arn, consumer.Status, consumer.CreatedMs, stream.Arn);
}
