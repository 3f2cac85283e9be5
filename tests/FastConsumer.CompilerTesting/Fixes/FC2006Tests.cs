using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Fixes;

public sealed class FC2006Tests
{
    [Fact]
    public Task Takes_batches_of_that_size() => FixVerifier.VerifyAsync(
        "FC2006",
        Source(
            """
            [OnRecord]
            public async Task HandleAsync(string text, CancellationToken token)
            {
                _texts.Add(text);
                if (_texts.Count < Size)
                {
                    return;
                }

                foreach (string one in _texts)
                {
                    await store.SaveAsync(one, token);
                }

                _texts.Clear();
            }
            """).Replace(
                "public IStore Store => store;\n\n",
                "public IStore Store => store;\n\n    private readonly List<string> _texts = [];\n\n",
                StringComparison.Ordinal),
        Source(
            """
            [OnBatch(MaxRecords = Size)]
            public async Task HandleAsync(ReadOnlyMemory<string> batch, CancellationToken token)
            {
                var texts = new List<string>(batch.ToArray());

                foreach (string one in texts)
                {
                    await store.SaveAsync(one, token);
                }
            }
            """));

    [Theory]
    [InlineData("_texts.Add(text); if (_texts.Count >= 5) { store.Save(string.Join(',', _texts)); _texts.Clear(); }")]
    [InlineData("_texts.Add(text + 1); if (_texts.Count < 5) return; store.Save(string.Join(',', _texts)); _texts.Clear();")]
    [InlineData("_texts.Add(text); if (_texts.Count < 5) return; store.Save(string.Join(',', _texts)); _texts.Clear(); } "
        + "public int Left() { return _texts.Count;")]
    public Task Has_nothing_for_other_shapes(string body) => FixVerifier.VerifyNoneAsync(
        "FC2006",
        Source($"private readonly List<string> _texts = [];\n\n[OnRecord]\npublic void Handle(string text)\n{{\n    {body}\n}}"));

    private static string Source(string members) => FixSource.Of($"private const int Size = 5;\n\n{members}");
}
