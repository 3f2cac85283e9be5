using FastConsumer.Checkpoints;

namespace FastConsumer.Tests.Checkpoints;

public sealed class CheckpointNameTests
{
    [Theory]
    [InlineData("orders", "orders")]
    [InlineData("Orders-2_b.v1", "Orders-2_b.v1")]
    [InlineData("a/b", "a!2Fb")]
    [InlineData("..", "!2E!2E")]
    [InlineData(".", "!2E")]
    [InlineData(".a.", "!2Ea!2E")]
    [InlineData("a!2Fb", "a!212Fb")]
    [InlineData(" ", "!20")]
    [InlineData("ä", "!C3!A4")]
    [InlineData("\ud83d\ude00", "!F0!9F!98!80")]
    public void Text_is_escaped(string text, string part)
    {
        Assert.Equal(part, CheckpointName.Escape(text));
        Assert.True(CheckpointName.IsValid(part));
    }

    [Fact]
    public void Different_texts_give_different_parts()
    {
        var random = new Random(7);
        const string Characters = "aA./!-2FE\u00e4 ";
        HashSet<string> texts = [];
        while (texts.Count < 20_000)
        {
            texts.Add(new string(random.GetItems<char>(Characters, random.Next(1, 8))));
        }

        // long ones that begin and end alike
        foreach (int length in new[] { 199, 200, 201, 255, 256, 257, 300, 1000 })
        {
            texts.Add(new string('a', length));
            texts.Add(new string('a', length - 1) + "b");
            texts.Add(new string('/', length));
        }

        string[] parts = [.. texts.Select(CheckpointName.Escape)];
        Assert.All(parts, static part => Assert.True(CheckpointName.IsValid(part) && !part.Contains('/', StringComparison.Ordinal), part));
        Assert.Equal(texts.Count, parts.Distinct().Count());
    }

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    public void What_is_no_text_is_refused(string? text) => Assert.ThrowsAny<ArgumentException>(() => CheckpointName.Escape(text!));

    /// <summary>xunit would replace it in the attribute.</summary>
    [Fact]
    public void Half_of_a_surrogate_pair_is_refused() => Assert.Throws<ArgumentException>(() => CheckpointName.Escape("a\ud83d"));

    [Theory]
    [InlineData("orders/..", "a part neither begins nor ends with '.'")]
    [InlineData("orders//1", "it has an empty part")]
    [InlineData("", "it is empty")]
    [InlineData("a b", "CheckpointName.Escape")]
    public void A_message_says_what_is_wrong(string name, string problem)
    {
        ArgumentException refused = Assert.Throws<ArgumentException>(() => CheckpointName.ThrowIfInvalid(name));
        Assert.Contains(problem, refused.Message, StringComparison.Ordinal);
        Assert.False(CheckpointName.IsValid(name));
    }

    [Fact]
    public void Every_beginning_of_a_name_is_a_prefix()
    {
        const string Name = "a.b/c!d/-_/e..f/1";
        for (int length = 0; length <= Name.Length; length++)
        {
            CheckpointName.ThrowIfInvalidPrefix(Name[..length]);
        }

        foreach (string prefix in new[] { "/", "a//", "a/.", ".", "..", "a./", "a b", "a/*", "a\\" })
        {
            Assert.Throws<ArgumentException>(() => CheckpointName.ThrowIfInvalidPrefix(prefix));
        }
    }
}
