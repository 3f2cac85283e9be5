namespace FastConsumer.Testing.Engine;

/// <summary>What can be attached to a stream or a consumer: tags and a policy. Guarded by the stream's lock.</summary>
internal sealed class ResourceAttachments
{
    private const int MaxTags = 50;
    private readonly SortedDictionary<string, string> _tags = new(StringComparer.Ordinal);

    /// <summary>Null where there is none.</summary>
    public string? Policy { get; set; }

    /// <summary>By key, ordinal.</summary>
    public IEnumerable<KeyValuePair<string, string>> Tags => _tags;

    /// <summary>Adds tags or replaces their values.</summary>
    /// <exception cref="EngineException">There would be more than fifty.</exception>
    public void AddTags(IReadOnlyDictionary<string, string> tags, string resource)
    {
        int count = _tags.Count + tags.Keys.Count(key => !_tags.ContainsKey(key));
        if (count > MaxTags)
        {
            throw EngineException.InvalidArgument(
                $"{resource} would have {count} tags; a resource can have {MaxTags}. Remove some of its tags first.");
        }

        foreach ((string key, string value) in tags)
        {
            _tags[key] = value;
        }
    }

    /// <summary>Removes tags; those that are not there are passed over.</summary>
    public void RemoveTags(IEnumerable<string> keys)
    {
        foreach (string key in keys)
        {
            _tags.Remove(key);
        }
    }
}
