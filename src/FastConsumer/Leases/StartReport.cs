using System.Globalization;

namespace FastConsumer.Leases;

/// <summary>
/// Says at a worker's start which shards of the stream start where, and why: whoever has set a start position learns from it that shards
/// with a checkpoint do not use it.
/// </summary>
internal static class StartReport
{
    /// <summary>Shards named for each place; of the others only the number is told.</summary>
    private const int MostNamed = 3;

    /// <summary>Describes the leases of the stream, as they are after those of new shards were created.</summary>
    /// <param name="leases">All leases of the table.</param>
    /// <param name="startPosition">The start position of the options, as messages write it.</param>
    /// <param name="start">The same as leases hold it.</param>
    public static string Describe(IReadOnlyList<Lease> leases, string startPosition, CheckpointPosition start)
    {
        string[] sentences =
        [
            .. leases
                .OrderBy(static lease => lease.LeaseKey, StringComparer.Ordinal)
                .GroupBy(lease => PlaceOf(lease, startPosition, start))
                .OrderBy(static group => group.Key.Order)
                .ThenBy(static group => group.Key.Text, StringComparer.Ordinal)
                .Select(static group => Sentence([.. group.Select(static lease => lease.LeaseKey)], group.Key)),
        ];
        return sentences.Length == 0 ? "It has no shards yet." : string.Join(' ', sentences);
    }

    /// <summary>
    /// Says which shards another worker holds, and when this one takes them: a worker that was killed holds its leases until they expire,
    /// and whoever starts it again waits for that without a record. Null where no other worker holds one.
    /// </summary>
    public static string? DescribeHeld(IReadOnlyList<Lease> leases, string worker, TimeSpan leaseDuration)
    {
        Lease[] held =
        [
            .. leases
                .Where(lease => lease.Owner is not null && lease.Owner != worker && lease.Checkpoint.Kind != CheckpointKind.ShardEnd)
                .OrderBy(static lease => lease.LeaseKey, StringComparer.Ordinal),
        ];
        if (held.Length == 0)
        {
            return null;
        }

        string when = string.Create(
            CultureInfo.InvariantCulture,
            $"when it is handed over, or when its lease has not been renewed for {leaseDuration.TotalSeconds:0.#} s, as after a crash");
        string first = $"{held[0].LeaseKey} by {held[0].Owner}";
        return held.Length == 1
            ? $"Another worker holds one shard ({first}); this worker takes it {when}."
            : $"Other workers hold {held.Length} shards ({first}, and so on); this worker takes one of them {when}.";
    }

    private static Place PlaceOf(Lease lease, string startPosition, CheckpointPosition start) => lease.Checkpoint.Kind switch
    {
        CheckpointKind.ShardEnd => new Place(2, "is done.", "are done."),
        CheckpointKind.Record => new Place(
            0,
            $"goes on after its checkpoint, so StartPosition ({startPosition}) is not used for it.",
            $"go on after their checkpoints, so StartPosition ({startPosition}) is not used for them."),
        _ => Both(1, $"no checkpoint yet and {{0}} at {Position(lease)}{Reason(lease, startPosition, start)}."),
    };

    private static Place Both(int order, string text) => new(
        order,
        $"has {string.Format(CultureInfo.InvariantCulture, text, "starts", "its parents end", "its lease was")}",
        $"have {string.Format(CultureInfo.InvariantCulture, text, "start", "their parents end", "their leases were")}");

    private static string Position(Lease lease) => lease.Checkpoint.Kind switch
    {
        CheckpointKind.TrimHorizon => "the oldest record that the stream retains (TRIM_HORIZON)",
        _ => lease.StartedAt is { } time ? $"the records put since {Text(time)} ({lease.Checkpoint})" : lease.Checkpoint.ToString(),
    };

    private static string Text(DateTimeOffset time) =>
        time.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

    private static string Reason(Lease lease, string startPosition, CheckpointPosition start) =>
        lease.Checkpoint.Kind == start.Kind ? $", as StartPosition ({startPosition}) says"
        : lease.ParentShardIds.Count > 0 ? ", where {1}"
        : $", where {{2}} created; StartPosition is {startPosition} now";

    private static string Sentence(string[] shards, Place place)
    {
        string named = string.Join(", ", shards.Take(MostNamed));
        string more = shards.Length > MostNamed ? $" and {shards.Length - MostNamed} more" : "";
        return shards.Length == 1 ? $"Shard {named} {place.One}" : $"{shards.Length} shards ({named}{more}) {place.Several}";
    }

    private readonly record struct Place(int Order, string One, string Several)
    {
        public string Text => Several;
    }
}
