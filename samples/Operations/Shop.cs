using System.Text.Json;
using FastConsumer.Testing;

namespace Operations;

/// <summary>
/// Puts orders into the stream. Its customers are spread over the shards, but some of one shard order far more than all others.
/// </summary>
internal sealed class Shop(EmbeddedKinesis kinesis, Journal journal)
{
    public const string Stream = "orders";
    public const int Shards = 6;

    private const int Customers = 100;
    private const int LargeOrders = 8;
    private static readonly TimeSpan s_betweenRounds = TimeSpan.FromMilliseconds(250);
    private static readonly string s_longNote = new('x', 20 * 1024);

    private readonly Dictionary<string, List<string>> _customersByShard = new(StringComparer.Ordinal);
    private int _round;
    private volatile bool _isRushOver;

    /// <summary>The shard of the customers that order much.</summary>
    public string BusyShard => _customersByShard.Keys.Order(StringComparer.Ordinal).First();

    /// <summary>One order of each customer: the answers say whose orders share a shard.</summary>
    public void Open()
    {
        kinesis.CreateStream(Stream, Shards);
        for (int i = 1; i <= Customers; i++)
        {
            string customer = $"customer-{i}";
            string shard = Put(customer, "the first one");
            if (!_customersByShard.TryGetValue(shard, out List<string>? customers))
            {
                _customersByShard[shard] = customers = [];
            }

            customers.Add(customer);
        }
    }

    /// <summary>
    /// Sells until it is cancelled: about 640 KiB a second go to one shard while the rush lasts, and next to nothing to each of the others.
    /// </summary>
    public async Task SellAsync(CancellationToken cancellationToken)
    {
        List<string> busy = _customersByShard[BusyShard];
        using var rounds = new PeriodicTimer(s_betweenRounds, TimeProvider.System);
        while (await rounds.WaitForNextTickAsync(cancellationToken))
        {
            _round++;
            foreach (List<string> customers in _customersByShard.Values)
            {
                Put(customers[_round % customers.Count], "as always");
            }

            for (int i = 0; i < LargeOrders && !_isRushOver; i++)
            {
                Put(busy[i % busy.Count], s_longNote);
            }
        }
    }

    /// <summary>Puts a record that no handler can read into a shard that is not busy. Returns the shard.</summary>
    public string PutPoison()
    {
        string customer = _customersByShard[_customersByShard.Keys.Order(StringComparer.Ordinal).Last()][0];
        journal.Put();
        return kinesis.Put(Stream, customer, "this is no JSON").ShardId;
    }

    /// <summary>Splits the busy shard in the middle of its hash keys: its customers are shared by two shards then.</summary>
    public void SplitBusyShard() => kinesis.SplitShard(Stream, BusyShard);

    /// <summary>Nobody orders much any more.</summary>
    public void EndRush() => _isRushOver = true;

    private string Put(string customer, string note)
    {
        var order = new Order(journal.Put(), note);
        return kinesis.Put(Stream, customer, JsonSerializer.SerializeToUtf8Bytes(order, OrdersJson.Default.Order)).ShardId;
    }
}
