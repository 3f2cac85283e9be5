using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Amazon.SQS;
using FastConsumer;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Corpus.KeyedStates;

public sealed record Payment(string Id, string Customer, decimal Amount, DateTimeOffset At);

public readonly record struct Balance(decimal Sum, int Count);

public struct Window
{
    public decimal Sum;
    public int Count;
    public DateTimeOffset Since { get; set; }
}

public sealed record Profile(string Name, ImmutableDictionary<string, int> Scores, IReadOnlyList<string> Tags);

public sealed record ProfileV1(string Name);

public sealed record Line(string Id, string Customer, decimal Amount, DateTimeOffset At);

public sealed class Session
{
    public string? Id { get; set; }
    public List<string> Pages { get; } = [];
}

public interface ILedger
{
    Task BookAsync(string id, decimal sum, CancellationToken cancellationToken);
}

public interface IRates
{
    Task<decimal> LoadAsync(string currency, CancellationToken cancellationToken);
}

[JsonSerializable(typeof(Payment))]
[JsonSerializable(typeof(Balance))]
[JsonSerializable(typeof(Window))]
[JsonSerializable(typeof(Profile))]
[JsonSerializable(typeof(ProfileV1))]
[JsonSerializable(typeof(bool))]
public sealed partial class KeyedStatesJson : JsonSerializerContext;

// sums and duplicates, as the guide has them
[KinesisProcessor("payments", JsonContext = typeof(KeyedStatesJson))]
[OnError(typeof(Exception), ErrorAction.Stop)]
public sealed partial class Balances(ILedger ledger, ILogger<Balances> log)
{
    private int _handled;
    private readonly Dictionary<string, decimal> _rates = [];
    private readonly HashSet<string> _warned = [];

    [State("balances", Ttl = "90.00:00:00")]
    private partial KeyedState<Balance> ByCustomer { get; }

    [State("seen", Ttl = "1.00:00:00")]
    private partial KeyedMap<string, bool> Seen { get; }

    [OnRecord]
    public async Task HandleAsync(Payment payment, RecordContext context, [FromServices] IRates rates, CancellationToken token)
    {
        if (++_handled % 10_000 == 0)
        {
            log.LogInformation("{Handled} payments", _handled);
        }

        if (!Seen.Of(context).TryAdd(payment.Id, true))
        {
            return;
        }

        if (!_rates.TryGetValue(payment.Customer, out decimal rate))
        {
            rate = await rates.LoadAsync(payment.Customer, token);
            _rates[payment.Customer] = rate;
        }

        if (rate == 0 && _warned.Add(payment.Customer))
        {
            log.LogWarning("no rate for {Customer}", payment.Customer);
        }

        StateValue<Balance> balance = ByCustomer.Of(context);
        balance.Set(new Balance(balance.Value.Sum + payment.Amount * rate, balance.Value.Count + 1));
        await ledger.BookAsync(payment.Id, balance.Value.Sum, token);
    }

    [StateMerge("balances")]
    private static Balance Unite(Balance a, Balance b, Balance? common) =>
        new(a.Sum + b.Sum - (common?.Sum ?? 0), a.Count + b.Count - (common?.Count ?? 0));

    [OnShardEnded]
    public void Ended(ShardContext shard) => log.LogInformation("{Shard}: {Handled}", shard.ShardId, _handled);
}

// helpers, edits in place, lists
[KinesisProcessor("payments", JsonContext = typeof(KeyedStatesJson), StateVersion = 2)]
[OnError(typeof(Exception), ErrorAction.Stop)]
public sealed partial class Windows(ILedger ledger)
{
    [State("windows")] private partial KeyedState<Window> Current { get; }

    [State("last")] private partial KeyedList<Payment> Last { get; }

    [State("profiles")] private partial KeyedState<Profile> Profiles { get; }

    [OnRecord]
    public ValueTask HandleAsync(Payment payment, RecordContext context, CancellationToken token)
    {
        Last.Of(context).Add(payment);
        Add(context, payment);
        Rename(Profiles.Of(context), payment.Customer);
        return Last.Of(context).Count == 100 ? FlushAsync(context, token) : default;
    }

    [StateMigration("profiles", From = 1)]
    private static Profile Migrate(ProfileV1 old) => new(old.Name, ImmutableDictionary<string, int>.Empty, []);

    private void Add(RecordContext context, Payment payment)
    {
        ref Window window = ref Current.Of(context).Edit();
        window.Sum += payment.Amount;
        window.Count++;
        window.Since = payment.At;
    }

    private static void Rename(StateValue<Profile> profile, string name)
    {
        if (profile.Value is { } known && known.Name != name)
        {
            profile.Set(known with { Name = name });
        }
    }

    private async ValueTask FlushAsync(RecordContext context, CancellationToken token)
    {
        StateList<Payment> payments = Last.Of(context);
        foreach (Payment payment in payments)
        {
            await ledger.BookAsync(payment.Id, payment.Amount, token);
        }

        payments.Clear();
    }
}

// what goes wrong
[KinesisProcessor("sessions", JsonContext = typeof(KeyedStatesJson))]
[OnError(typeof(Exception), ErrorAction.Stop)]
public sealed partial class Sessions
{
    private readonly HashSet<string> _ids = [];
    private decimal _total;
    private StateValue<Balance> _balance;

    [State("sessions")] private partial {|FC5002:KeyedState<Session>|} {|FC5003:Open|} { get; }

    [State("balances")] private partial KeyedState<Balance> Balances { get; }

    [OnRecord]
    public async Task HandleAsync(Payment payment, RecordContext context, CancellationToken token)
    {
        if (!{|FC5001:_ids|}.Add(payment.Id))
        {
            return;
        }

        {|FC5001:_total|} += payment.Amount;
        _balance = {|FC5006:Balances.Of(context)|};
        Balances.Of(context).Set(new Balance(_total, 1));
        await context.CheckpointAsync(token);
        {|FC5006:Balances.Of(context)|}.Clear();
    }

    [OnShardEnded]
    public void End() => Open.Of({|FC5005:default|}).Clear();
}

// what the state is about is sent on: twice, after a crash
[KinesisProcessor("payments", JsonContext = typeof(KeyedStatesJson))]
[OnError(typeof(Exception), ErrorAction.Stop)]
public sealed partial class Alerts(IAmazonSQS queue, NpgsqlDataSource database, ILogger<Alerts> log)
{
    private const decimal Limit = 10_000;

    [State("balances")] private partial KeyedState<Balance> Balances { get; }

    [OnRecord]
    public async Task HandleAsync(Payment payment, RecordContext context, CancellationToken token)
    {
        StateValue<Balance> balance = Balances.Of(context);
        balance.Set(new Balance(balance.Value.Sum + payment.Amount, balance.Value.Count + 1));
        if (balance.Value.Sum > Limit && await IsWatchedAsync(payment.Customer, token))
        {
            log.LogInformation("{Position}: {Customer} is above the limit", context.SequenceNumber, payment.Customer);
            await {|FC5010:queue.SendMessageAsync("alerts", payment.Customer, token)|};
            await NoteAsync(payment, context, token);
        }
    }

    private async Task<bool> IsWatchedAsync(string customer, CancellationToken token)
    {
        await using NpgsqlCommand select = database.CreateCommand("SELECT true FROM watched WHERE customer = $1");
        select.Parameters.AddWithValue(customer);
        return await select.ExecuteScalarAsync(token) is true;
    }

    // the position is its key: the second time changes nothing
    private async Task NoteAsync(Payment payment, RecordContext context, CancellationToken token)
    {
        await using NpgsqlCommand insert = database.CreateCommand(
            "INSERT INTO alerts (shard, position, customer) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
        insert.Parameters.AddWithValue(context.ShardId);
        insert.Parameters.AddWithValue(context.SequenceNumber.ToString());
        insert.Parameters.AddWithValue(payment.Customer);
        await insert.ExecuteNonQueryAsync(token);
    }
}

// what was handled goes to a sink, in lanes, without state
[KinesisProcessor("payments", JsonContext = typeof(KeyedStatesJson))]
[Concurrency(8)]
[OnError(typeof(Exception), ErrorAction.Stop)]
public sealed partial class Lines(IRates rates, TimeProvider clock, ILogger<Lines> log)
{
    [Output("lines")] private partial Output<Line> Booked { get; }

    [Output("rejected")] private partial Output<string> Rejected { get; }

    [OnRecord]
    public async Task HandleAsync(Payment payment, RecordContext context, CancellationToken token)
    {
        long start = clock.GetTimestamp();
        decimal rate = await rates.LoadAsync(payment.Customer, token);
        if (rate == 0)
        {
            Rejected.Add(context, payment.Id);
            return;
        }

        foreach (Line line in Split(payment, rate, context.ApproximateArrivalTimestamp))
        {
            Booked.Add(context, line);
        }

        log.LogInformation("{Payment} took {Time}", payment.Id, clock.GetElapsedTime(start));
    }

    private static IEnumerable<Line> Split(Payment payment, decimal rate, DateTimeOffset at)
    {
        yield return new Line(payment.Id, payment.Customer, payment.Amount * rate, at);
        yield return new Line(payment.Id + "/fee", payment.Customer, 1, at);
    }
}

// what goes wrong with outputs, beside state and in batches
[KinesisProcessor("payments", JsonContext = typeof(KeyedStatesJson))]
[OnError(typeof(Exception), ErrorAction.Stop)]
public sealed partial class Receipts(TimeProvider clock)
{
    [State("balances")] private partial KeyedState<Balance> Balances { get; }

    [Output("receipts")] private partial Output<Line> All { get; }

    [Output("visits")] private partial {|FC5002:Output<Session>|} Visits { get; }

    [OnBatch]
    public async Task HandleAsync(ReadOnlyMemory<Payment> payments, BatchContext context, CancellationToken token)
    {
        for (int i = 0; i < payments.Length; i++)
        {
            Payment payment = payments.Span[i];
            DateTimeOffset now = clock.GetUtcNow();
            Balances.Of(context, i).Set(new Balance(payment.Amount, 1));
            All.Add(context, i, new Line({|FC5009:Guid.NewGuid()|}.ToString(), payment.Customer, payment.Amount, {|FC5009:now|}));
        }

        await context.CheckpointAsync(token);
        {|FC5006:Visits.Add(context, 0, new Session())|};
    }
}
