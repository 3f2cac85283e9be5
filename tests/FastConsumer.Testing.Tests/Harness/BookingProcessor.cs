using System.Text.Json;
using System.Text.Json.Serialization;

namespace FastConsumer.Testing.Tests.Harness;

/// <summary>What the tests' processor writes to, and how the test makes it fail.</summary>
internal sealed class Book
{
    private readonly Lock _lock = new();
    private readonly List<string> _entries = [];

    public Func<Booking, Exception?>? Failure { get; set; }

    /// <summary>A booking with this id does not return until its token is cancelled.</summary>
    public int? HangsAt { get; set; }

    public IReadOnlyList<string> Entries
    {
        get
        {
            lock (_lock)
            {
                return [.. _entries];
            }
        }
    }

    public void Add(string entry)
    {
        lock (_lock)
        {
            _entries.Add(entry);
        }
    }
}

internal sealed record Booking(int Id);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Booking))]
internal sealed partial class BookingJson : JsonSerializerContext;

[KinesisProcessor("bookings", JsonContext = typeof(BookingJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(NotSupportedException), ErrorAction.Stop)]
internal sealed partial class BookingProcessor(Book book) : IDisposable
{
    [OnRecord]
    private async Task HandleAsync(Booking booking, CancellationToken cancellationToken)
    {
        if (book.Failure?.Invoke(booking) is { } failure)
        {
            throw failure;
        }

        if (book.HangsAt == booking.Id)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        }

        book.Add($"{booking.Id}");
    }

    [OnShardEnded]
    private void OnShardEnded(ShardContext shard) => book.Add($"{shard.ShardId} ended");

    [OnStopping]
    private void OnStopping(ShardContext shard) => book.Add("stopping");

    [OnLeaseLost]
    private void OnLeaseLost(ShardContext shard) => book.Add("lost");

    public void Dispose() => book.Add("disposed");
}

[KinesisProcessor("arn:aws:kinesis:eu-central-1:123456789012:stream/bookings", JsonContext = typeof(BookingJson))]
[Concurrency(4)]
[OnError(typeof(NotSupportedException), ErrorAction.Stop)]
internal sealed partial class ParallelBookingProcessor(Book book)
{
    [OnRecord]
    private async Task HandleAsync(Booking booking, CancellationToken cancellationToken)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(booking.Id % 3), cancellationToken);
        if (book.Failure?.Invoke(booking) is { } failure)
        {
            throw failure;
        }

        book.Add($"{booking.Id}");
    }
}
