namespace FastConsumer.Testing.Engine;

internal sealed partial class KinesisEngine
{
    private const int MaxTagsInAnswer = 50;

    public void AddTagsToStream(AddTagsToStreamRequest request)
    {
        IReadOnlyDictionary<string, string> tags = TagRules.Required(request.Tags);
        using StreamScope scope = Enter(request.Stream);
        RequireUsable(scope.Stream);
        scope.Stream.Attached.AddTags(tags, scope.Stream.Arn);
    }

    public void RemoveTagsFromStream(RemoveTagsFromStreamRequest request)
    {
        IReadOnlyList<string> keys = TagRules.Keys(request.TagKeys);
        using StreamScope scope = Enter(request.Stream);
        RequireUsable(scope.Stream);
        scope.Stream.Attached.RemoveTags(keys);
    }

    public ListTagsForStreamResult ListTagsForStream(ListTagsForStreamRequest request)
    {
        int limit = RequestRules.Range(request.Limit, "limit", 1, MaxTagsInAnswer, MaxTagsInAnswer);
        if (request.ExclusiveStartTagKey is { } start)
        {
            RequestRules.Length(start, "exclusiveStartTagKey", 1, 128);
        }

        using StreamScope scope = Enter(request.Stream);
        KeyValuePair<string, string>[] tags = [.. scope.Stream.Attached.Tags
            .Where(tag => string.CompareOrdinal(tag.Key, request.ExclusiveStartTagKey) > 0)
            .Take(limit + 1)];
        return new ListTagsForStreamResult([.. tags.Take(limit)], tags.Length > limit);
    }

    public void TagResource(string? resourceArn, IReadOnlyDictionary<string, string>? tags)
    {
        IReadOnlyDictionary<string, string> added = TagRules.Required(tags);
        using StreamScope scope = EnterResource(resourceArn, out ResourceAttachments attached);
        RequireUsable(scope.Stream);
        attached.AddTags(added, resourceArn!);
    }

    public void UntagResource(string? resourceArn, IReadOnlyList<string>? tagKeys)
    {
        IReadOnlyList<string> keys = TagRules.Keys(tagKeys);
        using StreamScope scope = EnterResource(resourceArn, out ResourceAttachments attached);
        RequireUsable(scope.Stream);
        attached.RemoveTags(keys);
    }

    public IReadOnlyList<KeyValuePair<string, string>> ListTagsForResource(string? resourceArn)
    {
        using StreamScope scope = EnterResource(resourceArn, out ResourceAttachments attached);
        return [.. attached.Tags];
    }

    /// <summary>What belongs to a stream's or a consumer's ARN.</summary>
    private StreamScope EnterResource(string? resourceArn, out ResourceAttachments attached)
    {
        RequestRules.Length(resourceArn, "resourceARN", 1, 2048);
        if (!resourceArn.Contains("/consumer/", StringComparison.Ordinal))
        {
            StreamScope stream = Enter(ByArn(resourceArn));
            attached = stream.Stream.Attached;
            return stream;
        }

        var reference = new ConsumerReference(null, null, resourceArn);
        StreamScope scope = EnterFor(reference, out _);
        try
        {
            attached = Consumer(scope.Stream, reference, resourceArn).Attached;
            return scope;
        }
        catch
        {
            scope.Dispose();
            throw;
        }
    }

    private void RequireUsable(StreamState stream)
    {
        if (stream.Status is StreamStatus.Creating or StreamStatus.Deleting)
        {
            throw NotActive(stream);
        }
    }
}
