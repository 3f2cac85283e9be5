using System.Text.Json;
using FastConsumer.Operators;

namespace FastConsumer.Cli.Records;

/// <summary>How far a replay of dead letters is, in a file: what was put is noted before more is put.</summary>
internal sealed class ReplayJournal
{
    private readonly string _path;
    private readonly string _source;
    private readonly string _target;
    private readonly Dictionary<string, CheckpointPosition> _positions = new(StringComparer.Ordinal);

    private ReplayJournal(string path, string source, string target)
    {
        _path = path;
        _source = source;
        _target = target;
    }

    /// <summary>The file.</summary>
    public string Path => _path;

    /// <summary>The last line of a file that was put.</summary>
    public long Line { get; private set; }

    /// <summary>Letters that were put, in former runs too.</summary>
    public long Done { get; private set; }

    /// <exception cref="ToolException">The file belongs to another replay, or is none of the tool's.</exception>
    public static ReplayJournal Open(string path, string source, string target)
    {
        var journal = new ReplayJournal(path, source, target);
        if (!File.Exists(path))
        {
            return journal;
        }

        ReplayProgress? known = null;
        try
        {
            known = JsonSerializer.Deserialize(File.ReadAllText(path), RecordDocumentJson.Plain.ReplayProgress);
        }
        catch (JsonException)
        {
            // said below
        }

        if (known is not { Version: 1 } || known.Source is null || known.Target is null)
        {
            throw ToolException.Refused($"Nothing was put: {path} is no progress file of this tool. Name another one with --progress.");
        }

        if (known.Source != source || known.Target != target)
        {
            throw ToolException.Refused(
                $"Nothing was put: {path} is the progress of another replay, from {known.Source} to {known.Target}. Name another file with "
                    + "--progress.");
        }

        journal.Line = known.Line;
        journal.Done = known.Done;
        foreach ((string shardId, string text) in known.Positions ?? [])
        {
            journal._positions[shardId] = OperatorNotes.TryParsePosition(text, out CheckpointPosition position)
                ? position
                : throw ToolException.Refused($"Nothing was put: {path} has no position for {shardId}, but '{text}'. Name another file.");
        }

        return journal;
    }

    /// <summary>True where a record of a stream was put already.</summary>
    public bool IsDone(string shardId, KinesisRecord record) =>
        _positions.TryGetValue(shardId, out CheckpointPosition done) && record.Position <= done;

    /// <summary>Letters of a file were put, up to this line.</summary>
    public void Note(long line, int letters)
    {
        Line = line;
        Done += letters;
        Write();
    }

    /// <summary>Letters of a stream were put, up to this record.</summary>
    public void Note(string shardId, CheckpointPosition position, int letters)
    {
        _positions[shardId] = position;
        Done += letters;
        Write();
    }

    private void Write()
    {
        string next = _path + ".new";
        File.WriteAllText(next, JsonSerializer.Serialize(
            new ReplayProgress(
                1,
                _source,
                _target,
                Done,
                Line,
                _positions.Count == 0 ? null : _positions.ToDictionary(static shard => shard.Key, static shard => shard.Value.ToString())),
            RecordDocumentJson.Plain.ReplayProgress));
        // either the former or this one: never half of it
        File.Move(next, _path, overwrite: true);
    }
}
