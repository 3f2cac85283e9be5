// Written from the rules' pages alone. The marks were set before anything was run.
using System.Data;
using System.Data.Common;
using System.Globalization;
using System.Net;
using System.Net.Http;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using Amazon.SQS;
using Amazon.SQS.Model;
using FastConsumer;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.Logging;
using Npgsql;
using Polly;

namespace Corpus.Independent.Payments;

public sealed record Payment(string Id, string Account, decimal Amount, string Currency);

public sealed record Refund(string PaymentId, decimal Amount, string Reason);

[JsonSerializable(typeof(Payment))]
[JsonSerializable(typeof(Refund))]
public sealed partial class PaymentsJson : JsonSerializerContext;

public interface IAcquirer
{
    Task CaptureAsync(Payment payment, CancellationToken cancellationToken);

    Task ReverseAsync(string paymentId);
}

public sealed class PaymentRefusedException(string reason) : Exception(reason);

/// <summary>The primary key says whether the payment was booked before: a second delivery is no error.</summary>
[KinesisProcessor("payments", JsonContext = typeof(PaymentsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(NpgsqlException), ErrorAction.Retry)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 5, Then = ErrorAction.DeadLetter)]
public sealed partial class BookOnce(NpgsqlDataSource source, ILogger<BookOnce> logger)
{
    [OnRecord]
    public async Task HandleAsync(Payment payment, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand insert = source.CreateCommand("insert into payments(id, account, amount) values ($1, $2, $3)");
        insert.Parameters.AddWithValue(payment.Id);
        insert.Parameters.AddWithValue(payment.Account);
        insert.Parameters.AddWithValue(payment.Amount);
        try
        {
            await insert.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            logger.LogDebug("Payment {Id} was booked before", payment.Id);
        }
    }
}

/// <summary>A refund is an HTTP call whose answer nobody reads, and whose failure is a line in the log.</summary>
[KinesisProcessor("refunds", JsonContext = typeof(PaymentsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class RefundOverHttp(HttpClient http, ILogger<RefundOverHttp> logger)
{
    [OnRecord]
    public async Task HandleAsync(Refund refund, CancellationToken cancellationToken)
    {
        try
        {
            await {|FC2007:http.PostAsJsonAsync($"/payments/{refund.PaymentId}/refunds", refund, cancellationToken)|};
            logger.LogInformation("Refunded {Payment}", refund.PaymentId);
        }
        {|FC2002:catch (HttpRequestException ex)|}
        {
            logger.LogError(ex, "Refund of {Payment} failed", refund.PaymentId);
        }
    }
}

public sealed class LedgerEntry
{
    public required string Id { get; init; }

    public required decimal Amount { get; init; }
}

public sealed class LedgerContext(DbContextOptions<LedgerContext> options) : DbContext(options)
{
    public DbSet<LedgerEntry> Entries => Set<LedgerEntry>();
}

/// <summary>Both legs or none, and a failure passes.</summary>
[KinesisProcessor("payments", JsonContext = typeof(PaymentsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(DbUpdateConcurrencyException), ErrorAction.Retry, MaxAttempts = 3, Then = ErrorAction.Stop)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 20, Then = ErrorAction.Stop)]
public sealed partial class DoubleEntry
{
    [OnRecord]
    public async Task HandleAsync(Payment payment, [FromServices] LedgerContext ledger, CancellationToken cancellationToken)
    {
        await using IDbContextTransaction transaction = await ledger.Database.BeginTransactionAsync(cancellationToken);
        try
        {
            ledger.Entries.Add(new LedgerEntry { Id = payment.Id + "-debit", Amount = -payment.Amount });
            ledger.Entries.Add(new LedgerEntry { Id = payment.Id + "-credit", Amount = payment.Amount });
            await ledger.SaveChangesAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
        catch
        {
            await transaction.RollbackAsync();
            throw;
        }
    }
}

/// <summary>Rolled back, logged, forgotten; and the save holds the thread.</summary>
[KinesisProcessor("payments", JsonContext = typeof(PaymentsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 20, Then = ErrorAction.Stop)]
public sealed partial class RollsBackAndGoesOn(ILogger<RollsBackAndGoesOn> logger)
{
    [OnRecord]
    public async Task HandleAsync(Payment payment, [FromServices] LedgerContext ledger, CancellationToken cancellationToken)
    {
        await using var transaction = await ledger.Database.BeginTransactionAsync(cancellationToken);
        try
        {
            ledger.Add(new LedgerEntry { Id = payment.Id, Amount = payment.Amount });
            {|FC3001:ledger.SaveChanges()|};
            await transaction.CommitAsync(cancellationToken);
        }
        {|FC2002:catch (DbUpdateException ex)|}
        {
            await transaction.RollbackAsync(cancellationToken);
            logger.LogError(ex, "Could not book {Id}", payment.Id);
        }
    }
}

public interface IRiskModel
{
    Task<double> ScoreAsync(Payment payment, CancellationToken cancellationToken);
}

/// <summary>The score has 200 ms; whoever is slower is approved, and scored for nobody.</summary>
[KinesisProcessor("authorisations", JsonContext = typeof(PaymentsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(PaymentRefusedException), ErrorAction.Skip)]
public sealed partial class ScoreOrApprove(IRiskModel model, IAcquirer acquirer)
{
    [OnRecord]
    public async Task HandleAsync(Payment payment, CancellationToken cancellationToken)
    {
        Task<double> score = {|FC2003:model.ScoreAsync(payment, cancellationToken)|};
        Task first = await Task.WhenAny(score, Task.Delay(200, cancellationToken));
        if (first == score && await score > 0.9)
        {
            throw new PaymentRefusedException("risk");
        }

        await acquirer.CaptureAsync(payment, cancellationToken);
    }
}

/// <summary>The same with a bound on the score: what is slower is refused.</summary>
[KinesisProcessor("authorisations", JsonContext = typeof(PaymentsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(TimeoutException), ErrorAction.Retry, MaxAttempts = 3, Then = ErrorAction.DeadLetter)]
[OnError(typeof(PaymentRefusedException), ErrorAction.Skip)]
public sealed partial class ScoreInTime(IRiskModel model, IAcquirer acquirer)
{
    [OnRecord]
    public async Task HandleAsync(Payment payment, CancellationToken cancellationToken)
    {
        double score = await model.ScoreAsync(payment, cancellationToken).WaitAsync(TimeSpan.FromSeconds(2), cancellationToken);
        await (score > 0.9 ? throw new PaymentRefusedException("risk") : acquirer.CaptureAsync(payment, cancellationToken));
    }
}

/// <summary>Three attempts, and then as if nothing had been.</summary>
[KinesisProcessor("captures", JsonContext = typeof(PaymentsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class ThreeAttempts(IAcquirer acquirer, ILogger<ThreeAttempts> logger)
{
    [OnRecord]
    public async Task HandleAsync(Payment payment, CancellationToken cancellationToken)
    {
        int attempt = 0;
        while (attempt++ < 3)
        {
            try
            {
                await acquirer.CaptureAsync(payment, cancellationToken);
                return;
            }
            {|FC2002:catch (Exception ex)|}
            {
                logger.LogWarning(ex, "Attempt {Attempt} failed", attempt);
                await Task.Delay(TimeSpan.FromSeconds(attempt), cancellationToken);
            }
        }

        logger.LogError("Gave up on {Id}", payment.Id);
    }
}

/// <summary>The last attempt has no clause.</summary>
[KinesisProcessor("captures", JsonContext = typeof(PaymentsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(HttpRequestException), ErrorAction.Retry, MaxAttempts = 5, Then = ErrorAction.DeadLetter)]
public sealed partial class LastAttemptPasses(HttpClient http, ILogger<LastAttemptPasses> logger)
{
    [OnRecord]
    public async Task HandleAsync(Payment payment, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                using HttpResponseMessage response = await http.PostAsJsonAsync("/captures", payment, cancellationToken);
                if (response.StatusCode != HttpStatusCode.Conflict)
                {
                    response.EnsureSuccessStatusCode();
                }

                break;
            }
            catch (HttpRequestException ex) when (attempt < 3)
            {
                logger.LogInformation(ex, "Attempt {Attempt}", attempt);
                await Task.Delay(TimeSpan.FromMilliseconds(100 * attempt), cancellationToken);
            }
        }
    }
}

/// <summary>A saga's step: what fails is compensated, and a stop is taken for a failure.</summary>
[KinesisProcessor("sagas", JsonContext = typeof(PaymentsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class CompensatesOnStop(IAcquirer acquirer)
{
    [OnRecord]
    public async Task HandleAsync(Payment payment, CancellationToken cancellationToken)
    {
        try
        {
            await acquirer.CaptureAsync(payment, cancellationToken);
        }
        {|FC2004:catch (Exception)|}
        {
            await acquirer.ReverseAsync(payment.Id);
        }
    }
}

/// <summary>The step that knows a stop from a failure; what it cannot do goes to a queue.</summary>
[KinesisProcessor("sagas", JsonContext = typeof(PaymentsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 10, Then = ErrorAction.StopHost)]
public sealed partial class CompensatesOnFailure(IAcquirer acquirer, IAmazonSQS queue)
{
    [OnRecord]
    public async Task HandleAsync(Payment payment, CancellationToken cancellationToken)
    {
        try
        {
            await acquirer.CaptureAsync(payment, cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException and not LeaseLostException)
        {
            await acquirer.ReverseAsync(payment.Id);
            await queue.SendMessageAsync(
                new SendMessageRequest("https://queue/compensations", payment.Id + ": " + e.Message), cancellationToken);
        }
    }
}

/// <summary>Balances of all shards in one dictionary, and a number that is parsed without a word about failure.</summary>
[KinesisProcessor("balances")]
public sealed partial class Balances
{
    private static readonly Dictionary<string, decimal> s_balances = new(StringComparer.Ordinal);

    [OnRecord]
    public void {|FC2001:Handle|}(string line)
    {
        string[] parts = line.Split(';');
        decimal amount = decimal.Parse(parts[1], CultureInfo.InvariantCulture);
        s_balances.TryGetValue(parts[0], out decimal balance);
        {|FC3003:s_balances|}[parts[0]] = balance + amount;
    }
}

/// <summary>Polly around the call: what is left after its attempts passes on to the policy.</summary>
[KinesisProcessor("captures", JsonContext = typeof(PaymentsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 2, Then = ErrorAction.DeadLetter)]
public sealed partial class ThroughPolly(ResiliencePipeline pipeline, IAcquirer acquirer)
{
    [OnRecord]
    public async ValueTask HandleAsync(Payment payment, CancellationToken cancellationToken) =>
        await pipeline.ExecuteAsync(async token => await acquirer.CaptureAsync(payment, token), cancellationToken);
}

/// <summary>An old repository of DbConnection: opened and executed on the handler's thread, its exceptions undecided.</summary>
[KinesisProcessor("payments", JsonContext = typeof(PaymentsJson))]
public sealed partial class AdoOnTheThread(NpgsqlDataSource source)
{
    [OnRecord]
    public void {|FC2001:Handle|}(Payment payment)
    {
        using DbConnection connection = {|FC3001:source.OpenConnection()|};
        using DbCommand command = connection.CreateCommand();
        command.CommandType = CommandType.Text;
        command.CommandText = "insert into payments(id) values ('" + payment.Id + "')";
        {|FC3001:command.ExecuteNonQuery()|};
    }
}
