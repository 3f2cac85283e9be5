// Written from the rules' pages alone. The marks were set before anything was run.
using System.Collections.Frozen;
using System.Data.Common;
using System.Globalization;
using System.Net.Http;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using FastConsumer;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Corpus.Independent.Rides;

public sealed record Ride(string Id, string Driver, string Callback, double Kilometres, IReadOnlyList<string> Stops);

[JsonSerializable(typeof(Ride))]
public sealed partial class RidesJson : JsonSerializerContext;

public sealed class NoTariffException(string zone) : Exception(zone);

public sealed class RideRejectedException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A repository as there are many: the token is taken and forgotten, and a twin waits for the other.</summary>
public sealed class RideRepository(NpgsqlDataSource source, ILogger<RideRepository> logger)
{
    public async Task SaveAsync(Ride ride, CancellationToken cancellationToken = default)
    {
        await using NpgsqlCommand command = source.CreateCommand("insert into rides values ($1)");
        command.Parameters.AddWithValue(ride.Id);
        await {|FC3002:command.ExecuteNonQueryAsync()|};
    }

    public void Save(Ride ride) => {|FC3001:SaveAsync(ride).GetAwaiter().GetResult()|};

    public async Task<bool> TrySaveAsync(Ride ride, CancellationToken cancellationToken)
    {
        try
        {
            await using NpgsqlCommand command = source.CreateCommand("insert into rides values ($1)");
            command.Parameters.AddWithValue(ride.Id);
            await command.ExecuteNonQueryAsync(cancellationToken);
            return true;
        }
        catch (DbException e)
        {
            logger.LogError(e, "Ride {Id}", ride.Id);
            return false;
        }
    }
}

/// <summary>All that is wrong lies in the repository.</summary>
[KinesisProcessor("rides", JsonContext = typeof(RidesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(DbException), ErrorAction.Retry)]
public sealed partial class SavesByRepository(RideRepository rides)
{
    [OnRecord]
    public Task HandleAsync(Ride ride, CancellationToken cancellationToken) => rides.SaveAsync(ride, cancellationToken);
}

/// <summary>The synchronous twin.</summary>
[KinesisProcessor("rides", JsonContext = typeof(RidesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(DbException), ErrorAction.Retry)]
public sealed partial class SavesByTwin(RideRepository rides)
{
    [OnRecord]
    public void Handle(Ride ride) => rides.Save(ride);
}

/// <summary>The Try method: its answer is dropped on one way, and looked at on the other.</summary>
[KinesisProcessor("rides", JsonContext = typeof(RidesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(RideRejectedException), ErrorAction.DeadLetter)]
public sealed partial class SavesByTrying(RideRepository rides)
{
    [OnRecord]
    public async Task HandleAsync(Ride ride, CancellationToken cancellationToken)
    {
        if (ride.Stops.Count == 0)
        {
            await {|FC2008:rides.TrySaveAsync(ride, cancellationToken)|};
            return;
        }

        bool saved = await rides.TrySaveAsync(ride, cancellationToken);
        if (!saved)
        {
            throw new RideRejectedException(ride.Id);
        }
    }
}

/// <summary>What the processors of this team have in common: a log for each failure, and on.</summary>
public abstract class LoggingBase(ILogger logger)
{
    protected async Task GuardAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        {|FC2002:catch (Exception e)|}
        {
            logger.LogError(e, "Failed");
        }
    }

    protected async Task GuardAndThrowAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception e)
        {
            logger.LogError(e, "Failed");
            throw new RideRejectedException("see the log", e);
        }
    }
}

[KinesisProcessor("rides", JsonContext = typeof(RidesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 5)]
public sealed partial class GuardedByBase(ILogger<GuardedByBase> logger, RideRepository rides) : LoggingBase(logger)
{
    [OnRecord]
    public Task HandleAsync(Ride ride, CancellationToken cancellationToken) => GuardAsync(() => rides.SaveAsync(ride, cancellationToken));
}

[KinesisProcessor("rides", JsonContext = typeof(RidesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 5)]
public sealed partial class GuardedAndThrown(ILogger<GuardedAndThrown> logger, RideRepository rides) : LoggingBase(logger)
{
    [OnRecord]
    public Task HandleAsync(Ride ride, CancellationToken cancellationToken) =>
        GuardAndThrowAsync(() => rides.SaveAsync(ride, cancellationToken));
}

/// <summary>Tariffs of which one may be missing: a property throws, two calls below the handler.</summary>
public sealed class Tariffs(FrozenDictionary<string, decimal> byZone)
{
    public decimal Default => byZone.TryGetValue("*", out decimal found) ? found : throw new NoTariffException("*");

    public decimal Of(string zone) => byZone.TryGetValue(zone, out decimal found) ? found : Default;
}

public interface IBilling
{
    Task BillAsync(string ride, decimal amount, CancellationToken cancellationToken);
}

[KinesisProcessor("rides", JsonContext = typeof(RidesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class BillsUndecided(Tariffs tariffs, IBilling billing)
{
    [OnRecord]
    public async Task {|FC2001:HandleAsync|}(Ride ride, CancellationToken cancellationToken) =>
        await billing.BillAsync(ride.Id, tariffs.Of(ride.Stops[0]) * (decimal)ride.Kilometres, cancellationToken);
}

[KinesisProcessor("rides", JsonContext = typeof(RidesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class Bills(Tariffs tariffs, IBilling billing)
{
    [OnRecord]
    [OnError(typeof(NoTariffException), ErrorAction.Retry, MaxAttempts = 50, Then = ErrorAction.DeadLetter)]
    public async Task HandleAsync(Ride ride, CancellationToken cancellationToken) =>
        await billing.BillAsync(ride.Id, tariffs.Of(ride.Stops[0]) * (decimal)ride.Kilometres, cancellationToken);
}

/// <summary>An invoice that checks itself in its constructor.</summary>
public sealed record Invoice
{
    public Invoice(string ride, decimal amount)
    {
        if (amount < 0)
        {
            throw new RideRejectedException(ride);
        }

        Ride = ride;
        Amount = amount;
    }

    public string Ride { get; }

    public decimal Amount { get; }
}

[KinesisProcessor("rides", JsonContext = typeof(RidesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class InvoicesUndecided(IBilling billing)
{
    [OnRecord]
    public Task {|FC2001:HandleAsync|}(Ride ride, CancellationToken cancellationToken)
    {
        var invoice = new Invoice(ride.Id, (decimal)ride.Kilometres);
        return billing.BillAsync(invoice.Ride, invoice.Amount, cancellationToken);
    }
}

/// <summary>The callback's address comes with the record: it may be none, and the first stop may be missing.</summary>
[KinesisProcessor("rides", JsonContext = typeof(RidesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(HttpRequestException), ErrorAction.Retry, MaxAttempts = 4, Then = ErrorAction.Skip)]
public sealed partial class CallsBack(HttpClient http)
{
    [OnRecord]
    public async Task {|FC2001:HandleAsync|}(Ride ride, CancellationToken cancellationToken)
    {
        string stop = ride.Stops.First(stop => stop.Length > 0);
        using HttpResponseMessage response = await http.PostAsJsonAsync(new Uri(ride.Callback), stop, cancellationToken);
        response.EnsureSuccessStatusCode();
    }
}

/// <summary>The same with questions asked first; the address of the house is a constant.</summary>
[KinesisProcessor("rides", JsonContext = typeof(RidesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(HttpRequestException), ErrorAction.Retry, MaxAttempts = 4, Then = ErrorAction.Skip)]
public sealed partial class CallsBackAsking(HttpClient http, ILogger<CallsBackAsking> logger)
{
    private static readonly Uri s_house = new("https://rides.example/fallback");

    [OnRecord]
    public async Task HandleAsync(Ride ride, CancellationToken cancellationToken)
    {
        Uri address = Uri.TryCreate(ride.Callback, UriKind.Absolute, out Uri? own) ? own : s_house;
        if (ride.Stops.FirstOrDefault() is not { Length: > 0 } stop)
        {
            logger.LogInformation("Ride {Id} has no stop", ride.Id);
            return;
        }

        using HttpResponseMessage response = await http.PostAsJsonAsync(address, stop, cancellationToken);
        response.EnsureSuccessStatusCode();
    }
}

/// <summary>A key that is asked for, and one that a loop yields.</summary>
[KinesisProcessor("rides", JsonContext = typeof(RidesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class CountsByDriver(IBilling billing)
{
    private readonly Dictionary<string, double> _kilometres = new(StringComparer.Ordinal);

    [OnRecord]
    public async Task HandleAsync(Ride ride, CancellationToken cancellationToken)
    {
        if (!_kilometres.ContainsKey(ride.Driver))
        {
            _kilometres[ride.Driver] = 0;
        }

        _kilometres[ride.Driver] += ride.Kilometres;
        if (_kilometres.Count > 1000)
        {
            foreach (string driver in _kilometres.Keys)
            {
                await billing.BillAsync(driver, (decimal)_kilometres[driver], cancellationToken);
            }

            _kilometres.Clear();
        }
    }
}

/// <summary>Texts that are no numbers and times become one exception of the house.</summary>
[KinesisProcessor("rides-text")]
[OnError(typeof(RideRejectedException), ErrorAction.DeadLetter)]
public sealed partial class Translates(IBilling billing)
{
    [OnRecord]
    public async Task HandleAsync(string line, CancellationToken cancellationToken)
    {
        (string id, decimal amount) = Read(line);
        await billing.BillAsync(id, amount, cancellationToken);

        static (string Id, decimal Amount) Read(string line)
        {
            try
            {
                string[] parts = line.Split('|');
                _ = DateTimeOffset.Parse(parts[2], CultureInfo.InvariantCulture);
                return (parts[0], decimal.Parse(parts[1], CultureInfo.InvariantCulture));
            }
            catch (Exception e) when (e is FormatException or OverflowException or IndexOutOfRangeException)
            {
                throw new RideRejectedException("no ride", e);
            }
        }
    }
}

/// <summary>The exception of one branch of many passes: a narrower clause before the wide one throws again.</summary>
[KinesisProcessor("rides", JsonContext = typeof(RidesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class NarrowBeforeWide(HttpClient http, IBilling billing)
{
    [OnRecord]
    public async Task {|FC2001:HandleAsync|}(Ride ride, CancellationToken cancellationToken)
    {
        try
        {
            string plan = await http.GetStringAsync("/plans/" + ride.Driver, cancellationToken);
            await billing.BillAsync(ride.Id, plan.Length, cancellationToken);
        }
        catch (HttpRequestException)
        {
            throw;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            await billing.BillAsync(ride.Id, 0, CancellationToken.None);
        }
    }
}

public sealed class RideContext(DbContextOptions<RideContext> options) : DbContext(options)
{
    public DbSet<Invoice> Invoices => Set<Invoice>();
}

/// <summary>A query that is read with the thread, and one that is not.</summary>
[KinesisProcessor("rides", JsonContext = typeof(RidesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 5)]
public sealed partial class Queries(IBilling billing)
{
    [OnRecord]
    public async Task HandleAsync(Ride ride, [FromServices] RideContext context, CancellationToken cancellationToken)
    {
        if ({|FC3001:context.Invoices.Any(invoice => invoice.Ride == ride.Id)|})
        {
            return;
        }

        List<Invoice> all = {|FC3001:context.Invoices.Where(invoice => invoice.Ride == ride.Driver).OrderBy(invoice => invoice.Amount)
            .ToList()|};
        List<Invoice> some = await context.Invoices.Where(invoice => invoice.Amount > 0).AsNoTracking().ToListAsync(cancellationToken);
        await billing.BillAsync(ride.Id, all.Sum(invoice => invoice.Amount) + some.Count, cancellationToken);
    }
}
