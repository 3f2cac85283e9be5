// Written from the rules' pages alone. The marks were set before anything was run.
using System.Buffers.Binary;
using System.Globalization;
using System.Net.Http;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using FastConsumer;
using FastConsumer.Kinesis;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Corpus.Independent.Devices;

public sealed record Reading(string Device, DateTimeOffset At, double Value);

[JsonSerializable(typeof(Reading))]
public sealed partial class DevicesJson : JsonSerializerContext;

public interface IAlarmDesk
{
    Task RaiseAsync(string device, double value, CancellationToken cancellationToken);
}

public interface ITimeSeries
{
    Task WriteAsync(IReadOnlyCollection<Reading> readings, CancellationToken cancellationToken);

    Task WriteAsync(string device, DateTimeOffset minute, double average, CancellationToken cancellationToken);
}

public sealed class BadFrameException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The shadow of each device of a batch, written in parallel and awaited.</summary>
[KinesisProcessor("readings", JsonContext = typeof(DevicesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(RedisException), ErrorAction.Retry)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 6, Then = ErrorAction.Stop)]
public sealed partial class Shadows(IConnectionMultiplexer redis)
{
    [OnBatch(MaxRecords = 200, MaxWait = "00:00:02")]
    public async Task HandleAsync(ReadOnlyMemory<Reading> readings, CancellationToken cancellationToken)
    {
        IDatabase database = redis.GetDatabase();
        var writes = new List<Task>(readings.Length);
        foreach (Reading reading in readings.ToArray())
        {
            writes.Add(database.HashSetAsync("shadow:" + reading.Device, [new HashEntry("value", reading.Value)]));
        }

        await Task.WhenAll(writes).WaitAsync(cancellationToken);
    }
}

/// <summary>Averages per minute, kept as numbers: a new minute writes the last one.</summary>
[KinesisProcessor("readings", JsonContext = typeof(DevicesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class PerMinute(ITimeSeries series)
{
    private readonly Dictionary<string, (double Sum, int Count)> _sums = new(StringComparer.Ordinal);
    private DateTimeOffset _minute;

    [OnRecord]
    public async Task HandleAsync(Reading reading, CancellationToken cancellationToken)
    {
        DateTimeOffset minute = reading.At.AddTicks(-(reading.At.Ticks % TimeSpan.TicksPerMinute));
        if (minute != _minute)
        {
            foreach ((string device, (double sum, int count)) in _sums)
            {
                await series.WriteAsync(device, _minute, sum / count, cancellationToken);
            }

            _sums.Clear();
            _minute = minute;
        }

        (double Sum, int Count) so = _sums.GetValueOrDefault(reading.Device);
        _sums[reading.Device] = (so.Sum + reading.Value, so.Count + 1);
    }
}

/// <summary>Line protocol, collected over records; and an answer of the database that nobody reads.</summary>
[KinesisProcessor("readings", JsonContext = typeof(DevicesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(HttpRequestException), ErrorAction.Retry)]
public sealed partial class LineProtocol(HttpClient http)
{
    private readonly StringBuilder _lines = new();
    private int _count;

    [OnRecord]
    public async Task HandleAsync(Reading reading, CancellationToken cancellationToken)
    {
        {|FC2006:_lines.Append(CultureInfo.InvariantCulture, $"reading,device={reading.Device} value={reading.Value}\n")|};
        if (++_count % 500 == 0)
        {
            using var content = new StringContent(_lines.ToString());
            using HttpResponseMessage response = await {|FC2007:http.PostAsync("/api/v2/write", content, cancellationToken)|};
            _lines.Clear();
        }
    }
}

/// <summary>An alarm is raised beside the record, and a second one is written before anybody knows of the first.</summary>
[KinesisProcessor("readings", JsonContext = typeof(DevicesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class Alarms(IAlarmDesk desk, ILogger<Alarms> logger)
{
    [OnRecord]
    public void Handle(Reading reading, CancellationToken cancellationToken)
    {
        if (reading.Value < 80)
        {
            return;
        }

        {|FC2003:desk.RaiseAsync(reading.Device, reading.Value, cancellationToken)
            .ContinueWith(
                task => logger.LogError(task.Exception, "Alarm failed"),
                CancellationToken.None,
                TaskContinuationOptions.OnlyOnFaulted,
                TaskScheduler.Default)|};
    }
}

/// <summary>The alarm is a part of the record's work.</summary>
[KinesisProcessor("readings", JsonContext = typeof(DevicesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class AlarmsAwaited(IAlarmDesk desk)
{
    [OnRecord]
    public Task HandleAsync(Reading reading, CancellationToken cancellationToken) =>
        reading.Value < 80 ? Task.CompletedTask : desk.RaiseAsync(reading.Device, reading.Value, cancellationToken);
}

/// <summary>A text of fixed columns that nobody said what to do about when it is none.</summary>
[KinesisProcessor("legacy-readings")]
public sealed partial class FixedColumns(ITimeSeries series)
{
    [OnRecord]
    public async Task {|FC2001:HandleAsync|}(string line, CancellationToken cancellationToken) =>
        await series.WriteAsync([Parse(line)], cancellationToken);

    private static Reading Parse(string line) => new(
        line[..8].Trim(),
        DateTimeOffset.ParseExact(line[8..27], "yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture),
        double.Parse(line[27..], CultureInfo.InvariantCulture));
}

/// <summary>The same text, its failure named and decided.</summary>
[KinesisProcessor("legacy-readings")]
[OnError(typeof(BadFrameException), ErrorAction.DeadLetter)]
public sealed partial class FixedColumnsDecided(ITimeSeries series)
{
    [OnRecord]
    public Task HandleAsync(string line, CancellationToken cancellationToken)
    {
        Reading reading;
        try
        {
            reading = new Reading(line[..8], DateTimeOffset.UnixEpoch, double.Parse(line[8..], CultureInfo.InvariantCulture));
        }
        catch (FormatException e)
        {
            throw new BadFrameException(line, e);
        }

        return series.WriteAsync([reading], cancellationToken);
    }
}

/// <summary>Whatever it is, it is tried again, for ever: a text that is no number as well.</summary>
[KinesisProcessor("legacy-readings")]
[{|FC4003:OnError(typeof(Exception), ErrorAction.Retry)|}]
public sealed partial class FixedColumnsForEver(ITimeSeries series)
{
    [OnRecord]
    public Task HandleAsync(string line, CancellationToken cancellationToken)
    {
        string[] parts = line.Split(',');
        return series.WriteAsync(
            parts[0], DateTimeOffset.UnixEpoch, double.Parse(parts[1], CultureInfo.InvariantCulture), cancellationToken);
    }
}

/// <summary>The last frame of each device, as it lay in the buffer.</summary>
[KinesisProcessor("frames")]
public sealed partial class LastFrames
{
    private readonly Dictionary<string, ReadOnlyMemory<byte>> _last = new(StringComparer.Ordinal);

    [OnRecord]
    public void Handle(KinesisRecord record)
    {
        ReadOnlyMemory<byte> body = record.Data[4..];
        _last[record.PartitionKey] = {|FC2005:body|};
    }
}

/// <summary>The last frame of each device, copied; the header is read where it lies.</summary>
[KinesisProcessor("frames")]
public sealed partial class LastFramesCopied(ILogger<LastFramesCopied> logger)
{
    private readonly Dictionary<string, byte[]> _last = new(StringComparer.Ordinal);

    [OnRecord]
    public void Handle(KinesisRecord record)
    {
        int length = BinaryPrimitives.ReadInt32BigEndian(record.DataSpan);
        _last[record.PartitionKey] = record.Data.Slice(4, length).ToArray();
        logger.LogTrace("{Length} bytes", length);
    }
}

/// <summary>Heartbeats are told by their key, as a new string for each record.</summary>
[KinesisProcessor("frames")]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class WithoutHeartbeats(ITimeSeries series)
{
    [OnRecord]
    public async Task HandleAsync(KinesisRecord record, CancellationToken cancellationToken)
    {
        if ({|FC3004:record.PartitionKey|} is "heartbeat" or "ping")
        {
            return;
        }

        Reading? reading = JsonSerializer.Deserialize({|FC3004:Encoding.UTF8.GetString(record.DataSpan)|},
            DevicesJson.Default.Reading);
        if (reading is not null)
        {
            await series.WriteAsync([reading], cancellationToken);
        }
    }
}

/// <summary>A position in a document of the record's own bytes, kept for the next one to compare with.</summary>
[KinesisProcessor("positions")]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 3, Then = ErrorAction.DeadLetter)]
public sealed partial class GeoFence(IAlarmDesk desk)
{
    private JsonElement _before;

    [OnRecord]
    public async Task HandleAsync(KinesisRecord record, CancellationToken cancellationToken)
    {
        JsonElement now = JsonDocument.Parse(record.Data).RootElement;
        if (_before.ValueKind == JsonValueKind.Object && IsInside(_before) != IsInside(now))
        {
            await desk.RaiseAsync(record.PartitionKey, now.GetProperty("lat").GetDouble(), cancellationToken);
        }

        _before = {|FC2005:now|};
    }

    private static bool IsInside(JsonElement position) =>
        position.GetProperty("lat").GetDouble() is > 47 and < 55 && position.GetProperty("lon").GetDouble() is > 6 and < 15;
}

/// <summary>The fence that keeps only what it compares.</summary>
[KinesisProcessor("positions")]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 3, Then = ErrorAction.DeadLetter)]
public sealed partial class GeoFenceOfNumbers(IAlarmDesk desk)
{
    private readonly Dictionary<string, bool> _inside = new(StringComparer.Ordinal);

    [OnRecord]
    public async Task HandleAsync(KinesisRecord record, CancellationToken cancellationToken)
    {
        using JsonDocument document = JsonDocument.Parse(record.Data);
        string device = record.PartitionKey;
        double latitude = document.RootElement.GetProperty("lat").GetDouble();
        bool inside = latitude is > 47 and < 55;
        if (_inside.TryGetValue(device, out bool before) && before != inside)
        {
            await desk.RaiseAsync(device, latitude, cancellationToken);
        }

        _inside[device] = inside;
    }
}
