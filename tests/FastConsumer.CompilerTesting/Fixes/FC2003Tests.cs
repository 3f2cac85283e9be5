using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Fixes;

public sealed class FC2003Tests
{
    [Theory]
    [InlineData(
        "public async Task HandleAsync(string text)\n{\n    _ = store.SaveAsync(text);\n    await Task.Yield();\n}",
        "public async Task HandleAsync(string text)\n{\n    await store.SaveAsync(text);\n    await Task.Yield();\n}")]
    [InlineData(
        "public void Handle(string text) => store.SaveAsync(text);",
        "public async Task Handle(string text) => await store.SaveAsync(text);")]
    [InlineData(
        "void Handle(string text)\n{\n    store.SaveAsync(text); // later\n}",
        "async Task Handle(string text)\n{\n    await store.SaveAsync(text); // later\n}")]
    public Task Awaits_it(string before, string after) => FixVerifier.VerifyAsync(
        "FC2003", FixSource.Of($"[OnRecord]\n{before}"), FixSource.Of($"[OnRecord]\n{after}"));

    [Fact]
    public Task Awaits_a_choice() => FixVerifier.VerifyAsync(
        "FC2003",
        FixSource.Of("[OnRecord]\npublic async Task HandleAsync(string text)\n{\n    _ = text.Length > 1 ? store.SaveAsync(text) : "
            + "store.SaveAsync(\"\");\n    await Task.Yield();\n}"),
        FixSource.Of("[OnRecord]\npublic async Task HandleAsync(string text)\n{\n    await (text.Length > 1 ? store.SaveAsync(text) : "
            + "store.SaveAsync(\"\"));\n    await Task.Yield();\n}"));

    [Fact]
    public Task Has_nothing_where_an_interface_asks_for_the_return_type() =>
        FixVerifier.VerifyNoneAsync("FC2003", FixSource.OfInterface("store.SaveAsync(text);"));

    [Fact]
    public Task Awaits_all() => FixVerifier.VerifyAllAsync(
        "FC2003",
        FixSource.Of("[OnRecord]\npublic void Handle(string text)\n{\n    store.SaveAsync(text);\n    _ = store.CountAsync();\n}"),
        FixSource.Of(
            "[OnRecord]\npublic async Task Handle(string text)\n{\n    await store.SaveAsync(text);\n    await store.CountAsync();\n}"));

    [Theory]
    [InlineData("[OnRecord]\npublic void Handle(ReadOnlySpan<byte> data) => store.SaveAsync(\"\");")]
    [InlineData("[OnRecord]\npublic void Handle(string text) => Helper(text);\nvoid Helper(string text) => store.SaveAsync(text);")]
    [InlineData("[OnRecord]\npublic void Handle(string text)\n{\n    lock (store)\n    {\n        store.SaveAsync(text);\n    }\n}")]
    [InlineData("[OnRecord]\npublic void Handle(string text) => new Thread(() => store.Save(text)).Start();")]
    [InlineData("[OnRecord]\npublic async Task HandleAsync(string text)\n{\n    store.SaveAsync(text).ContinueWith(task => "
        + "Console.WriteLine(task.Exception), TaskContinuationOptions.OnlyOnFaulted);\n    await Task.Yield();\n}")]
    [InlineData("[OnRecord]\npublic async Task HandleAsync(string text)\n{\n    _ = store.SaveAsync(text).ContinueWith(task => "
        + "Console.WriteLine(task.Exception)).ConfigureAwait(false);\n    await Task.Yield();\n}")]
    [InlineData("[OnRecord]\npublic async Task HandleAsync(string text)\n{\n"
        + "    _ = Task.WhenAny(store.SaveAsync(text), store.SaveAsync(text));\n    await Task.Yield();\n}")]
    [InlineData("[OnRecord]\npublic void Handle(string text) => store.SaveAsync(text);\npublic void Again() => Handle(\"\");")]
    public Task Has_nothing_where_no_await_can_stand(string members) => FixVerifier.VerifyNoneAsync("FC2003", FixSource.Of(members));
}
