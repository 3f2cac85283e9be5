using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Fixes;

public sealed class FC2001Tests
{
    private const string Body =
        """
        public async Task HandleAsync(string text, HttpClient http)
        {
            await http.GetStringAsync(text);
            int.Parse(text);
        }
        """;

    private static readonly string s_body = Body.Replace("HttpClient http", "[FromServices] HttpClient http", StringComparison.Ordinal);

    [Fact]
    public Task Adds_a_policy_for_each() => FixVerifier.VerifyAsync(
        "FC2001",
        FixSource.Of($"[OnRecord]\n{s_body}"),
        FixSource.Of($"[OnRecord]\n[OnError(typeof(FormatException), ErrorAction.DeadLetter)]\n[OnError(typeof(OverflowException), ErrorAction.DeadLetter)]\n[OnError(typeof(HttpRequestException), ErrorAction.Retry)]\n{s_body}".Replace("[OnError(typeof(FormatException), ErrorAction.DeadLetter)]\n[OnError(typeof(OverflowException), ErrorAction.DeadLetter)]", "[OnError(typeof(OverflowException), ErrorAction.DeadLetter)]\n[OnError(typeof(FormatException), ErrorAction.DeadLetter)]", StringComparison.Ordinal)),
        "Add a policy for each exception");

    [Fact]
    public Task Adds_one_for_all() => FixVerifier.VerifyAsync(
        "FC2001",
        FixSource.Of($"[OnRecord]\n{s_body}"),
        FixSource.Of($"[OnRecord]\n[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 5, Then = ErrorAction.Stop)]\n{s_body}"),
        "Add one policy for every exception");

    [Fact]
    public Task Adds_them_to_all_handlers() => FixVerifier.VerifyAllAsync(
        "FC2001",
        Routed(""),
        Routed("    [OnError(typeof(TimeoutException), ErrorAction.Retry)]\n"),
        "Add a policy for each exception");

    private static string Routed(string policy) =>
        $$"""
        using FastConsumer;

        [KinesisProcessor("s", RouteProperty = "type")]
        partial class P
        {
            [OnRecord(Route = "a")]
        {{policy}}    public void A(string text) => throw new TimeoutException();

            [OnRecord]
        {{policy}}    public void B(string text) => throw new TimeoutException();
        }

        """;
}
