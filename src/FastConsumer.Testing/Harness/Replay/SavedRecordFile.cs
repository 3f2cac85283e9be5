using System.Globalization;
using System.Text.Json;

namespace FastConsumer.Testing.Harness.Replay;

/// <summary>Reads a file of saved records.</summary>
internal static class SavedRecordFile
{
    /// <summary>The records by shard, each shard's in their order.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="InvalidDataException">It is no such file; the message names the line.</exception>
    public static async Task<SortedDictionary<string, List<SavedRecord>>> ReadAsync(string path, CancellationToken cancellationToken)
    {
        var shards = new SortedDictionary<string, List<SavedRecord>>(StringComparer.Ordinal);
        int number = 0;
        await foreach (string line in File.ReadLinesAsync(path, cancellationToken).ConfigureAwait(false))
        {
            number++;
            try
            {
                if (number == 1)
                {
                    CheckHeader(path, line);
                    continue;
                }

                SavedRecord record = JsonSerializer.Deserialize(line, SavedRecordJson.Plain.SavedRecord)
                    ?? throw new InvalidDataException($"Line {number} of '{path}' is null.");
                if (!shards.TryGetValue(record.ShardId, out List<SavedRecord>? shard))
                {
                    shards.Add(record.ShardId, shard = []);
                }

                if (record.ExplicitHashKey is { } hashKey)
                {
                    _ = UInt128.Parse(hashKey, NumberStyles.None, CultureInfo.InvariantCulture);
                }

                if (shard.Count > 0 && record.Position <= shard[^1].Position)
                {
                    throw new InvalidDataException(
                        $"Line {number} of '{path}' is record {record.Position} of {record.ShardId}, which does not come after the one "
                            + "before, "
                            + $"{shard[^1].Position}: the records of a shard must stand in their order, each once.");
                }

                _ = record.Position;
                shard.Add(record);
            }
            catch (Exception e) when (e is JsonException or FormatException or OverflowException)
            {
                throw new InvalidDataException(
                    $"Line {number} of '{path}' is no record that 'fastconsumer tail --save' has written: {e.Message}", e);
            }
        }

        return number > 0 ? shards : throw NoHeader(path, null);
    }

    private static void CheckHeader(string path, string line)
    {
        SavedHeader? header;
        try
        {
            header = JsonSerializer.Deserialize(line, SavedRecordJson.Plain.SavedHeader);
        }
        catch (JsonException e)
        {
            throw NoHeader(path, e);
        }

        if (header is null)
        {
            throw NoHeader(path, null);
        }

        if (header.Version != SavedRecord.Version)
        {
            throw new InvalidDataException(
                $"'{path}' has version {header.Version}, and this library reads version {SavedRecord.Version}: save the records again with "
                    + "the tool of the same version as FastConsumer.Testing.");
        }
    }

    private static InvalidDataException NoHeader(string path, Exception? cause) => new(
        $"'{path}' does not begin with the header of a file that 'fastconsumer tail --save' has written.", cause);
}
