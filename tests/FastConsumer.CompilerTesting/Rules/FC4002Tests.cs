using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC4002Tests
{
    [Theory]
    [InlineData("await Task.Delay(6000, token);")]
    [InlineData("await Task.Delay(TimeSpan.FromSeconds(3), token); await Task.Delay(3000, token);")]
    [InlineData("for (int i = 0; i < 6; i++) { await Task.Delay(1000, token); }")]
    [InlineData("for (int i = 1; i <= 3; i++) { await store.SaveAsync(text, token).WaitAsync(TimeSpan.FromSeconds(2), token); }")]
    [InlineData("using var own = new CancellationTokenSource(TimeSpan.FromSeconds(7)); await store.SaveAsync(text, own.Token);")]
    [InlineData("await WaitAsync(token);")]
    public async Task A_lease_shorter_than_the_handler_s_constants_is_reported(string body) => Assert.Contains(
        "P.Handle",
        Assert.Single(await RuleVerifier.VerifyBodyAsync(
            "FC4002", Source(body, "AddFastConsumer(o => o.LeaseDuration = [|TimeSpan.FromSeconds(5)|]).AddProcessor<P>()"))),
        StringComparison.Ordinal);

    [Theory]
    [InlineData("static readonly TimeSpan Lease = TimeSpan.FromSeconds(5);")]
    [InlineData("static TimeSpan Lease { get; } = TimeSpan.FromSeconds(5);")]
    [InlineData("static TimeSpan Lease => TimeSpan.FromSeconds(5);")]
    public Task A_fixed_lease_is_read_where_it_is_declared(string declaration) => RuleVerifier.VerifyBodyAsync(
        "FC4002",
        Source("await Task.Delay(6000, token);", "AddFastConsumer(o => o.LeaseDuration = [|Lease|]).AddProcessor<P>()").Replace(
            "static class Startup {", $"static class Startup {{ {declaration}", StringComparison.Ordinal));

    [Theory]
    [InlineData("static TimeSpan Lease = TimeSpan.FromSeconds(5);")]
    [InlineData("static readonly TimeSpan Lease = TimeSpan.FromSeconds(5); static Startup() => Lease = TimeSpan.FromSeconds(50);")]
    public Task A_lease_that_may_change_is_not(string declaration) => RuleVerifier.VerifyBodyAsync(
        "FC4002",
        Source("await Task.Delay(6000, token);", "AddFastConsumer(o => o.LeaseDuration = Lease).AddProcessor<P>()").Replace(
            "static class Startup {", $"static class Startup {{ {declaration}", StringComparison.Ordinal));

    [Theory]
    [InlineData("await Task.Delay(4000, token);")]
    [InlineData("if (text.Length == 0) await Task.Delay(4000, token); else await Task.Delay(3000, token);")]
    [InlineData("using var own = new CancellationTokenSource(TimeSpan.FromSeconds(4)); await Task.Delay(3000, own.Token);")]
    [InlineData("while (text.Length > 0) await Task.Delay(1000, token);")]
    [InlineData("await Task.Delay(text.Length, token);")]
    public Task A_longer_lease_is_fine(string body) =>
        RuleVerifier.VerifyBodyAsync(
            "FC4002", Source(body, "AddFastConsumer(o => o.LeaseDuration = TimeSpan.FromSeconds(5)).AddProcessor<P>()"));

    [Fact]
    public Task A_processor_s_own_lease_wins() => RuleVerifier.VerifyBodyAsync(
        "FC4002",
        Source("await Task.Delay(6000, token);", "AddFastConsumer(o => o.LeaseDuration = TimeSpan.FromSeconds(5)).AddProcessor<P>(o => "
            + "o.LeaseDuration = TimeSpan.FromSeconds(30))"));

    [Fact]
    public Task A_processor_s_own_lease_counts() => RuleVerifier.VerifyBodyAsync(
        "FC4002",
        Source("await Task.Delay(6000, token);", "AddFastConsumer().AddProcessor<P>(o => o.LeaseDuration = [|new TimeSpan(0, 0, 5)|])"));

    private static string Source(string body, string add) => HandlerSource.Of(
        $$"""
        [OnRecord] [OnError(typeof(Exception), ErrorAction.Stop)]
        async Task Handle(string text, CancellationToken token) { await Task.Yield(); {{body}} }
        async Task WaitAsync(CancellationToken token) => await Task.Delay(new TimeSpan(0, 1, 0), token);
        """).Replace("using System.IO;", "using System.IO; using Microsoft.Extensions.DependencyInjection;", StringComparison.Ordinal)
        + $$"""
        static class Startup { static void Start(IServiceCollection services) => services.{{add}}; }
        """;
}
