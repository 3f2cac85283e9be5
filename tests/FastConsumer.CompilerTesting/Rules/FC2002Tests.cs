using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC2002Tests
{
    [Theory]
    [InlineData("try { store.Save(text); } [|catch|] { }")]
    [InlineData("try { store.Save(text); } [|catch (Exception e)|] { log.LogError(e, \"\"); }")]
    [InlineData("try { store.Save(text); } [|catch (IOException)|] { return; }")]
    [InlineData("try { store.Save(text); } [|catch (Exception e)|] when (e is IOException) { Console.WriteLine(e); }")]
    [InlineData("foreach (char c in text) { try { store.Save(text); } [|catch (Exception)|] { continue; } }")]
    [InlineData("for (int i = 0; i < 3; i++) { try { store.Save(text); return; } [|catch (Exception)|] { } }")]
    [InlineData("try { store.Save(text); } [|catch (OwnException e)|] { log.LogWarning(e, \"\"); }")]
    [InlineData("try { store.Save(text); } [|catch (Exception e)|] { Log(e); } log.LogInformation(\"done\");")]
    [InlineData("text.Split(',').ToList().ForEach(part => { try { store.Save(part); } [|catch (Exception)|] { } });")]
    [InlineData("try { store.Save(text); } [|catch (Exception)|] { } Local(); void Local() { store.Save(\"\"); }")]
    [InlineData("switch (text) { case \"a\": try { store.Save(text); } [|catch (Exception)|] { } break; default: break; }")]
    [InlineData("async Task LocalAsync() { try { await store.SaveAsync(text); } [|catch (Exception)|] { } } "
        + "LocalAsync().ContinueWith(_ => { }).ContinueWith(_ => { }).AsyncState?.ToString();")]
    [InlineData(
        "Parallel.ForEach(text.Split(','), part => { try { store.Save(part); } [|catch (Exception e)|] { Console.WriteLine(e); } });")]
    [InlineData("void Local() { try { store.Save(text); } [|catch (TimeoutException)|] { } } Local();")]
    [InlineData("try { try { store.Save(text); } [|catch (Exception)|] { } } finally { Console.WriteLine(); }")]
    [InlineData("string? found = null; try { found = store.ToString(); } [|catch (Exception e)|] { log.LogError(e, \"\"); } "
        + "log.LogInformation(found ?? \"nothing\");")]
    [InlineData("string? found = null; string? other = null; try { found = store.ToString(); } [|catch (Exception e)|] { log.LogError(e, "
        + "\"\"); } other ??= found; store.Save(text);")]
    [InlineData("var failed = new StringBuilder(); foreach (string part in text.Split(',')) { try { store.Save(part); } "
        + "[|catch (Exception)|] { failed.AppendLine(part); } } log.LogError(\"{Failed}\", failed.ToString());")]
    public Task What_ends_as_done_is_reported(string body) => RuleVerifier.VerifyBodyAsync("FC2002", Source(body));

    [Theory]
    [InlineData("try { store.Save(text); } catch (Exception e) { log.LogError(e, \"\"); throw; }")]
    [InlineData("try { store.Save(text); } catch (OwnException) { log.LogInformation(\"known\"); }")]
    [InlineData("try { store.Save(text); } catch (Exception) { store.Save(\"failed\"); }")]
    [InlineData("bool failed = false; try { store.Save(text); } catch (Exception) { failed = true; } if (failed) store.Save(\"\");")]
    [InlineData("var failed = new StringBuilder(); foreach (string part in text.Split(',')) { try { store.Save(part); } catch (Exception) "
        + "{ failed.AppendLine(part); } } if (failed.Length > 0) throw new OperationCanceledException(failed.ToString());")]
    [InlineData("var failed = new StringWriter(); try { store.Save(text); } catch (Exception e) { failed.WriteLine(e.Message); } "
        + "store.Save(failed.ToString());")]
    [InlineData("bool done = false; try { store.Save(text); done = true; } catch (Exception) { } "
        + "if (!done) throw new OperationCanceledException();")]
    [InlineData("while (true) { try { store.Save(text); break; } catch (Exception) { } }")]
    [InlineData("for (;;) { try { store.Save(text); return; } catch (Exception) { Console.WriteLine(); } }")]
    [InlineData("for (int i = 0; i < 3; i++) { try { store.Save(text); return; } catch (Exception) { } } store.Save(\"given up\");")]
    [InlineData("try { store.Save(text); } catch (IOException e) when (e.HResult == 5) { }")]
    [InlineData("Console.WriteLine(Try(text));")]
    [InlineData("try { store.Save(text); } finally { Console.WriteLine(); }")]
    [InlineData("try { File.Delete(text); } catch (IOException) { }")]
    [InlineData("switch (text) { case \"a\": try { store.Save(text); } catch (Exception) { } "
        + "throw new OperationCanceledException(); default: break; }")]
    [InlineData("try { store.Save(text); } catch (Exception) { try { store.Save(\"dead\"); } catch (Exception) { } throw; }")]
    [InlineData("string? found = null; try { found = store.ToString(); } catch (Exception e) { log.LogWarning(e, \"\"); } "
        + "found ??= text; store.Save(found);")]
    [InlineData("string? found = null; try { found = store.ToString(); } catch (Exception e) { log.LogWarning(e, \"\"); } "
        + "store.Save(found ?? text);")]
    public Task What_handles_retries_or_tells_is_not(string body) => RuleVerifier.VerifyBodyAsync("FC2002", Source(body));

    [Theory]
    [InlineData("try { store.Save(text); } [|catch (Exception e)|] { _failures++; log.LogError(e, \"x\"); }")]
    [InlineData("try { store.Save(text); } [|catch (Exception)|] { _failures += 1; }")]
    [InlineData("try { store.Save(text); } [|catch (Exception)|] { Interlocked.Increment(ref _failures); }")]
    [InlineData("try { store.Save(text); } [|catch (Exception e)|] { _last = e; }")]
    [InlineData("bool failed = false; try { store.Save(text); } [|catch (Exception)|] { failed = true; }")]
    [InlineData("int failed = 0; foreach (char c in text) { try { store.Save(text); } [|catch (Exception)|] { failed++; } } "
        + "log.LogWarning(\"{Count} failed\", failed);")]
    [InlineData("try { store.Save(text); } [|catch (Exception e)|] { _errors.Add(e); }")]
    [InlineData("try { store.Save(text); } [|catch (Exception)|] { metrics.Inc(); }")]
    [InlineData("try { store.Save(text); } [|catch (Exception)|] { metrics.Failed.Inc(); log.LogError(\"x\"); }")]
    [InlineData("try { store.Save(text); } [|catch (Exception e)|] { metrics.TrackException(e); }")]
    [InlineData("try { store.Save(text); } [|catch (Exception e)|] { metrics.CaptureException(e); }")]
    [InlineData("try { store.Save(text); } [|catch (Exception)|] { metrics.Failures++; }")]
    [InlineData("try { store.Save(text); } [|catch (Exception)|] { s_failed.Inc(); }")]
    [InlineData("try { store.Save(text); } [|catch (Exception)|] { s_total.WithLabels(\"a\").Inc(); }")]
    [InlineData("try { store.Save(text); } [|catch (System.Data.Common.DbException)|] { tx.Rollback(); }")]
    [InlineData("try { store.Save(text); } [|catch (Npgsql.NpgsqlException e)|] { log.LogInformation(e, \"x\"); tx.Rollback(); }")]
    [InlineData("try { store.Save(text); } [|catch (Npgsql.NpgsqlException)|] { tx.Rollback(); }")]
    [InlineData("try { store.Save(text); } [|catch (OwnException)|] { tx.Rollback(); return; }")]
    [InlineData("try { store.Save(text); } [|catch (Exception)|] { _errors.Clear(); }")]
    [InlineData("try { store.Save(text); } [|catch (Exception)|] { tx.Dispose(); }")]
    [InlineData("try { store.Save(text); } [|catch (Exception)|] { Abort(); }")]
    [InlineData("using var own = new CancellationTokenSource(1000); try { Run(store.SaveAsync(text, own.Token)); } "
        + "[|catch (OperationCanceledException)|] { log.LogWarning(\"slow\"); }")]
    public Task A_note_that_nobody_reads_is_no_remedy(string body) => RuleVerifier.VerifyBodyAsync("FC2002", Notes(body));

    [Theory]
    [InlineData("bool failed = false; try { store.Save(text); } catch (Exception) { failed = true; } "
        + "if (failed) throw new OperationCanceledException();")]
    [InlineData("Exception? last = null; try { store.Save(text); } catch (Exception e) { last = e; } "
        + "finally { Console.WriteLine(); } Finish(last);")]
    [InlineData("var errors = new List<Exception>(); try { store.Save(text); } catch (Exception e) { errors.Add(e); } "
        + "if (errors.Count > 0) throw new OperationCanceledException(string.Join(\",\", errors));")]
    [InlineData("int left = 0; while (left < 3) { try { store.Save(text); left = 9; } catch (Exception) { left++; } }")]
    [InlineData("for (int i = 0; i < 3; i++) { if (_last is not null) throw new OperationCanceledException(); try { store.Save(text); } "
        + "catch (Exception e) { _last = e; } }")]
    [InlineData("SaveNoting(text); if (_last is not null) throw new OperationCanceledException();")]
    [InlineData("try { store.Save(text); } catch (Exception) { store.Save(\"dead\"); tx.Rollback(); }")]
    [InlineData("try { store.Save(text); } catch (Exception) { metrics.Park(text); }")]
    [InlineData("try { store.Save(text); } catch (OwnException) { }")]
    [InlineData("var order = new Note(); try { store.Save(text); } catch (Exception) { order.Failed = true; } Finish(order);")]
    [InlineData("int n = 0; text.Split(',').ToList().ForEach(part => { try { store.Save(part); } catch (Exception) { n++; } }); "
        + "if (n > 0) throw new OperationCanceledException();")]
    [InlineData("Interlocked.Exchange(ref _last, null); try { store.Save(text); } catch (Exception e) { Interlocked.Exchange(ref _last, "
        + "e); } if (_last != null) throw new OperationCanceledException();")]
    public Task A_note_that_is_read_on_the_way_out_is_one(string body) => RuleVerifier.VerifyBodyAsync("FC2002", Notes(body));

    private static string Notes(string body) => Source(body).Replace(
        "class OwnException",
        """
        public class Metrics { public int Failures; public Metrics Failed => this; public void Inc() { Failures = 1; } public void TrackException(Exception e) => Failures = 1; public void CaptureException(Exception e) => Failures = 1; public void Park(string text) => Failures = 2; }
        public interface Tx : IDisposable { void Rollback(); }
        class Note { public bool Failed { get; set; } }
        static readonly System.Diagnostics.Metrics.Counter<int> s_unused = null!; static readonly Prometheus.Counter s_failed = null!; static readonly Prometheus.Counter s_total = null!;
        readonly Metrics metrics = new(); readonly Tx tx = null!; int _failures; Exception? _last; readonly List<Exception> _errors = [];
        void Run(Task task) => Finish(task);
        void Abort() => store.Save("");
        void Finish(object? note) { if (note is Exception e) throw new OperationCanceledException("", e); }
        void SaveNoting(string text) { try { store.Save(text); } catch (Exception e) { _last = e; } }
        object?[] All() => [_failures, _last, _errors, s_unused];
        class OwnException
        """,
        StringComparison.Ordinal)
        .Replace("[OnRecord] void", "[OnRecord] [OnError(typeof(Exception), ErrorAction.Stop)] void", StringComparison.Ordinal);

    [Theory]
    [InlineData("catch (IOException e) { log.LogWarning(e, \"\"); await Task.Delay(9, token); }")]
    [InlineData("[|catch (IOException e)|] { log.LogWarning(e, \"\"); }")]
    [InlineData("[|catch (IOException)|] { await Task.Delay(9, token); break; }")]
    public Task A_retry_until_the_stop_ends_with_what_throws_on_a_stop(string clause) => RuleVerifier.VerifyBodyAsync(
        "FC2002",
        HandlerSource.Of($$"""[OnRecord] async Task Handle(string text, CancellationToken token) { while (!token.IsCancellationRequested) { try { await store.SaveAsync(text, token); return; } {{clause}} } }"""));

    private static string Source(string body) => HandlerSource.Of(
        $$"""
        class OwnException : Exception { }
        [OnRecord] void Handle(string text) { {{body}} }
        bool Try(string text) { try { store.Save(text); return true; } catch (Exception) { return false; } }
        void Log(Exception e) => log.LogError(e, "");
        void NoHandler() { Log(new OwnException()); try { store.Save(""); } catch { } }
        """);
}
