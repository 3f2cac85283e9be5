namespace FastConsumer.Testing.Engine;

internal sealed record AddTagsToStreamRequest(StreamReference Stream, IReadOnlyDictionary<string, string>? Tags);

internal sealed record RemoveTagsFromStreamRequest(StreamReference Stream, IReadOnlyList<string>? TagKeys);

internal sealed record ListTagsForStreamRequest(StreamReference Stream, int? Limit = null, string? ExclusiveStartTagKey = null);

internal sealed record ListTagsForStreamResult(IReadOnlyList<KeyValuePair<string, string>> Tags, bool HasMoreTags);
