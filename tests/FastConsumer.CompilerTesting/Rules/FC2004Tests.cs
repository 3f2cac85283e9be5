using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC2004Tests
{
    [Theory]
    [InlineData("[|catch (OperationCanceledException)|] { }")]
    [InlineData("[|catch (TaskCanceledException)|] { return; }")]
    [InlineData("[|catch (LeaseLostException)|] { log.LogInformation(\"lost\"); }")]
    [InlineData("[|catch (OperationCanceledException)|] { store.Save(\"dead\"); }")]
    [InlineData("[|catch (Exception)|] { store.Save(\"dead\"); }")]
    [InlineData("[|catch|] { store.Save(\"dead\"); }")]
    [InlineData("[|catch (Exception e)|] when (e is not LeaseLostException) { store.Save(\"dead\"); }")]
    [InlineData("catch (OperationCanceledException) { throw; } [|catch (Exception)|] { store.Save(\"dead\"); }")]
    public Task A_clause_that_takes_them_is_reported(string clauses) => RuleVerifier.VerifyBodyAsync("FC2004", Source(clauses));

    [Theory]
    [InlineData("catch (OperationCanceledException) { throw; }")]
    [InlineData("catch (OperationCanceledException) when (!token.IsCancellationRequested) { store.Save(\"slow\"); }")]
    [InlineData("catch (Exception e) when (e is not (OperationCanceledException or LeaseLostException)) { store.Save(\"dead\"); }")]
    [InlineData(
        "catch (OperationCanceledException) { throw; } catch (LeaseLostException) { throw; } catch (Exception) { store.Save(\"dead\"); }")]
    [InlineData("catch (Exception) { await store.SaveAsync(\"dead\", token); }")]
    [InlineData("catch (IOException) { store.Save(\"dead\"); }")]
    [InlineData("{|FC2002:catch (Exception)|} { }")]
    public Task A_clause_that_lets_them_pass_is_fine(string clauses) => RuleVerifier.VerifyBodyAsync("FC2004", Source(clauses));

    [Fact]
    public Task Without_token_and_checkpoint_there_is_nothing_to_hide() => RuleVerifier.VerifyBodyAsync(
        "FC2004",
        HandlerSource.Of("[OnRecord] void Handle(string text) { try { store.Save(text); } catch (Exception) { store.Save(\"dead\"); } }"));

    [Theory]
    [InlineData(
        "try { await store.SaveAsync(text, token); } catch (Exception) { token.ThrowIfCancellationRequested(); store.Save(\"dead\"); }")]
    [InlineData("try { await store.SaveAsync(text, token); } catch (Exception e) { log.LogError(e, \"x\"); "
        + "token.ThrowIfCancellationRequested(); store.Save(\"dead\"); }")]
    [InlineData("try { await store.SaveAsync(text, token); } catch (Exception) { if (token.IsCancellationRequested) throw; "
        + "store.Save(\"dead\"); }")]
    [InlineData("var errors = new List<Exception>(); foreach (char c in text) { try { await store.SaveAsync(text, token); } "
        + "catch (Exception e) { errors.Add(e); } } if (errors.Count > 0) throw new AggregateException(errors);")]
    [InlineData("using var own = new CancellationTokenSource(1000); try { await store.SaveAsync(text, own.Token); } "
        + "catch (OperationCanceledException) { store.Save(\"slow\"); }")]
    [InlineData("using var own = new CancellationTokenSource(); own.CancelAfter(10); var limit = own.Token; "
        + "try { await store.SaveAsync(text, limit); } catch (OperationCanceledException) { store.Save(\"slow\"); }")]
    [InlineData("using var own = new CancellationTokenSource(1000); try { await store.SaveAsync(text, own.Token); } "
        + "catch (Exception) { store.Save(\"dead\"); }")]
    [InlineData("using var own = new CancellationTokenSource(1000); try { await store.SaveAsync(text, own.Token); } "
        + "{|FC2002:catch (OperationCanceledException)|} { log.LogWarning(\"slow\"); }")]
    public Task What_tells_cancellation_apart_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC2004", Body(body));

    [Theory]
    [InlineData("using var own = CancellationTokenSource.CreateLinkedTokenSource(token); try { await store.SaveAsync(text, own.Token); } "
        + "[|catch (OperationCanceledException)|] { store.Save(\"slow\"); }")]
    [InlineData("using var own = new CancellationTokenSource(1000); try { await store.SaveAsync(text, own.Token); "
        + "await store.SaveAsync(text, token); } [|catch (OperationCanceledException)|] { store.Save(\"slow\"); }")]
    [InlineData("try { await store.SaveAsync(text, token); } [|catch (Exception)|] { store.Save(\"dead\"); "
        + "token.ThrowIfCancellationRequested(); }")]
    [InlineData("try { await store.SaveAsync(text, token); } [|catch (Exception)|] { if (text.Length > 0) "
        + "token.ThrowIfCancellationRequested(); store.Save(\"dead\"); }")]
    public Task What_does_not_is_reported(string body) => RuleVerifier.VerifyBodyAsync("FC2004", Body(body));

    private static string Body(string body) => HandlerSource.Of(
        "[OnRecord] [OnError(typeof(Exception), ErrorAction.Stop)] async Task Handle(string text, RecordContext context, "
            + $"CancellationToken token) {{ await Task.Yield(); {body} }}");

    [Theory]
    [InlineData("[|catch (Exception e)|] { log.LogWarning(e, \"later\"); }")]
    [InlineData("[|catch|] { }")]
    [InlineData("catch (Exception e) when (e is not (LeaseLostException or OperationCanceledException)) { }")]
    public Task A_checkpoint_that_fails_loses_no_record_but_may_hide_the_loss_of_the_lease(string clause) => RuleVerifier.VerifyBodyAsync(
        "FC2004",
        HandlerSource.Of("[OnRecord] async Task Handle(string text, RecordContext context, CancellationToken token) { try { await "
            + $"context.CheckpointAsync(token); }} {clause} }}"));

    private static string Source(string clauses) => HandlerSource.Of(
        $$"""
        [OnRecord] async Task Handle(string text, RecordContext context, CancellationToken token)
        {
            try { await store.SaveAsync(text, token); await context.CheckpointAsync(token); }
            {{clauses}}
        }
        """);
}
