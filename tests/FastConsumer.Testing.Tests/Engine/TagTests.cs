using FastConsumer.Testing.Engine;

namespace FastConsumer.Testing.Tests.Engine;

/// <summary>Tags and policies of streams and consumers.</summary>
public sealed class TagTests : EngineTest
{
    public static TheoryData<string, string> InvalidTags() => new()
    {
        { "", Validation },
        { new string('k', 129), Validation },
        { "a#b", Argument },
        { "aws:cloudformation:stack-name", Argument },
    };

    [Fact]
    public void Tags_are_added_replaced_listed_by_key_and_removed()
    {
        Create();
        Add(("b", "1"), ("a", ""));
        Add(("b", "2"), ("ключ c", "значение"));
        Assert.Equal("a= b=2 ключ c=значение", List());
        ListTagsForStreamResult page = Engine.ListTagsForStream(new ListTagsForStreamRequest(S, 2));
        Assert.Equal((2, true), (page.Tags.Count, page.HasMoreTags));
        page = Engine.ListTagsForStream(new ListTagsForStreamRequest(S, 2, "b"));
        Assert.Equal(("ключ c", false), (Assert.Single(page.Tags).Key, page.HasMoreTags));

        Engine.RemoveTagsFromStream(new RemoveTagsFromStreamRequest(S, ["b", "nobody"]));
        Assert.Equal("a= ключ c=значение", List());
    }

    [Fact]
    public void A_resource_has_fifty_tags_at_most()
    {
        Create();
        Add([.. Enumerable.Range(0, 50).Select(static i => ($"k{i}", "v"))]);
        Add(("k0", "replaced"));
        Refused(Argument, () => Add(("k1", "not even this"), ("k50", "v")), "51 tags");
        Assert.Contains("k1=v ", List(), StringComparison.Ordinal);
        Refused(Validation, () => Add([.. Enumerable.Range(0, 201).Select(static i => ($"k{i}", "v"))]));
    }

    [Theory]
    [MemberData(nameof(InvalidTags))]
    public void Invalid_tags_are_refused_wherever_they_come(string key, string errorCode)
    {
        Create();
        var tags = new Dictionary<string, string> { [key] = "v" };
        Refused(errorCode, () => Engine.AddTagsToStream(new AddTagsToStreamRequest(S, tags)));
        Refused(errorCode, () => Engine.TagResource(Arn(), tags));
        Refused(errorCode, () => Engine.CreateStream(new CreateStreamRequest("t", 1) { Tags = tags }));
        Refused(errorCode, () => Engine.RegisterStreamConsumer(new RegisterStreamConsumerRequest(Arn(), "c", tags)));
        Assert.Equal("", List());
    }

    [Fact]
    public void Values_and_lists_have_their_limits()
    {
        Create();
        Add(("k", new string('v', 256)));
        Refused(Validation, () => Add(("k", new string('v', 257))));
        Refused(Validation, () => Engine.AddTagsToStream(new AddTagsToStreamRequest(S, null)));
        Refused(Validation, () => Add());
        Refused(Validation, () => Engine.RemoveTagsFromStream(new RemoveTagsFromStreamRequest(S, [])));
        Refused(Validation, () => Engine.UntagResource(Arn(), [.. Enumerable.Range(0, 51).Select(static i => $"k{i}")]));
        Refused(Validation, () => Engine.ListTagsForStream(new ListTagsForStreamRequest(S, 51)));
    }

    [Fact]
    public async Task By_arn_streams_and_consumers_have_tags_of_their_own()
    {
        Engine.CreateStream(new CreateStreamRequest("s", 1) { Tags = Tags(("of", "stream")) });
        Refused(InUse, () => Engine.TagResource(Arn(), Tags(("k", "v"))), "CREATING");
        Clock.Advance(TimeSpan.FromSeconds(10));
        string consumer = Engine.RegisterStreamConsumer(new RegisterStreamConsumerRequest(Arn(), "c", Tags(("of", "consumer")))).Arn;
        Engine.TagResource(consumer, Tags(("k", "v")));
        Engine.TagResource(Arn(), Tags(("more", "v")));
        Engine.UntagResource(Arn(), ["more"]);
        Assert.Equal("of=stream", Text(Engine.ListTagsForResource(Arn())));
        Assert.Equal("k=v of=consumer", Text(Engine.ListTagsForResource(consumer)));
        Refused(NotFound, () => Engine.ListTagsForResource(Arn("other")));
        Refused(NotFound, () => Engine.ListTagsForResource($"{Arn()}/consumer/other:1"));
        Refused(Validation, () => Engine.ListTagsForResource("stream/s"));
        Refused(Validation, () => Engine.ListTagsForResource(null));

        // a lookup that fails leaves no lock behind
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        Assert.Equal(
            "of=stream",
            await Task.Run(List, cancellation).WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System, cancellation));
    }

    [Fact]
    public void A_policy_is_kept_replaced_and_deleted()
    {
        Create();
        string consumer = Engine.RegisterStreamConsumer(new RegisterStreamConsumerRequest(Arn(), "c")).Arn;
        foreach (string resource in (string[])[Arn(), consumer])
        {
            Refused(NotFound, () => Engine.GetResourcePolicy(resource), "No policy");
            Refused(NotFound, () => Engine.DeleteResourcePolicy(resource));
            Engine.PutResourcePolicy(resource, "{}");
            Engine.PutResourcePolicy(resource, """{"Version":"2012-10-17"}""");
            Assert.Equal("""{"Version":"2012-10-17"}""", Engine.GetResourcePolicy(resource));
        }

        Engine.DeleteResourcePolicy(consumer);
        Refused(NotFound, () => Engine.GetResourcePolicy(consumer));
        Engine.GetResourcePolicy(Arn());
        Refused(Argument, () => Engine.PutResourcePolicy(Arn(), "{"), "not valid JSON");
        Refused(Argument, () => Engine.PutResourcePolicy(Arn(), "[]"), "object");
        Refused(Validation, () => Engine.PutResourcePolicy(Arn(), null));
    }

    private void Add(params (string Key, string Value)[] tags) => Engine.AddTagsToStream(new AddTagsToStreamRequest(S, Tags(tags)));

    private string List() => Text(Engine.ListTagsForStream(new ListTagsForStreamRequest(S)).Tags);

    private static Dictionary<string, string> Tags(params (string Key, string Value)[] tags) =>
        tags.ToDictionary(static tag => tag.Key, static tag => tag.Value);

    private static string Text(IReadOnlyList<KeyValuePair<string, string>> tags) =>
        string.Join(' ', tags.Select(static tag => $"{tag.Key}={tag.Value}"));
}
