// Written from the rules' pages alone. The marks were set before anything was run.
using System.Globalization;
using System.IO;
using System.Net.Http;
using System.Text.Json;
using System.Text.Json.Serialization;
using CSharpFunctionalExtensions;
using FastConsumer;
using FastConsumer.Kinesis;
using LanguageExt;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using CfeResult = CSharpFunctionalExtensions.Result;

namespace Corpus.Independent.Parcels;

public sealed record Parcel(string Id, string Weight, string At, string Gate);

public sealed record Unknown(string Id);

[JsonSerializable(typeof(Parcel))]
public sealed partial class ParcelsJson : JsonSerializerContext;

public interface IGates
{
    Task OpenAsync(string gate, CancellationToken cancellationToken);

    Task<CfeResult> CloseAsync(string gate);

    Validation<string, int> Check(Parcel parcel);
}

/// <summary>A retry of the house for all: after the third attempt it comes back as if all were well.</summary>
public static class Retry
{
    public static async Task ThreeTimesAsync(Func<Task> work)
    {
        for (int attempt = 0; attempt < 3; attempt++)
        {
            try
            {
                await work();
                return;
            }
            {|FC2002:catch (Exception e)|}
            {
                Console.Error.WriteLine(e.Message);
            }
        }
    }

    public static async Task ThreeTimesOrThrowAsync(Func<Task> work)
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                await work();
                return;
            }
            catch (IOException) when (attempt < 2)
            {
            }
        }
    }
}

[KinesisProcessor("parcels", JsonContext = typeof(ParcelsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class RetriesByHouse(IGates gates)
{
    [OnRecord]
    public Task HandleAsync(Parcel parcel, CancellationToken cancellationToken) =>
        Retry.ThreeTimesAsync(() => gates.OpenAsync(parcel.Gate, cancellationToken));
}

[KinesisProcessor("parcels", JsonContext = typeof(ParcelsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class RetriesOrThrows(IGates gates)
{
    [OnRecord]
    public Task HandleAsync(Parcel parcel, CancellationToken cancellationToken) =>
        Retry.ThreeTimesOrThrowAsync(() => gates.OpenAsync(parcel.Gate, cancellationToken));
}

/// <summary>Not asynchronous, and yet it returns a task: of nothing, where something failed.</summary>
[KinesisProcessor("parcels", JsonContext = typeof(ParcelsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class ReturnsCompleted(IGates gates, ILogger<ReturnsCompleted> logger)
{
    [OnRecord]
    public Task HandleAsync(Parcel parcel, CancellationToken cancellationToken)
    {
        try
        {
            return gates.OpenAsync(parcel.Gate, cancellationToken);
        }
        {|FC2002:catch (Exception e)|}
        {
            logger.LogError(e, "Gate {Gate}", parcel.Gate);
            Environment.ExitCode = 1;
            return Task.CompletedTask;
        }
    }
}

/// <summary>Numbers, times and identities of a record, and a time-out: each may throw, and no policy knows.</summary>
[KinesisProcessor("parcels", JsonContext = typeof(ParcelsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(OverflowException), ErrorAction.DeadLetter)]
public sealed partial class ReadsTexts(IGates gates)
{
    private static readonly int s_most = int.Parse("100", CultureInfo.InvariantCulture);

    [OnRecord]
    public async Task {|FC2001:HandleAsync|}(Parcel parcel, CancellationToken cancellationToken)
    {
        if (Convert.ToInt32(parcel.Weight, CultureInfo.InvariantCulture) < s_most && Guid.Parse(parcel.Id) != Guid.Empty)
        {
            await gates.OpenAsync(parcel.Gate, cancellationToken);
        }
    }
}

[KinesisProcessor("parcels", JsonContext = typeof(ParcelsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class WaitsInTime(IGates gates)
{
    [OnRecord]
    public async Task {|FC2001:HandleAsync|}(Parcel parcel, CancellationToken cancellationToken) =>
        await gates.OpenAsync(parcel.Gate, cancellationToken).WaitAsync(TimeSpan.FromSeconds(5), cancellationToken);
}

[KinesisProcessor("parcels", JsonContext = typeof(ParcelsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(IOException), ErrorAction.Retry)]
[OnError(typeof(UnauthorizedAccessException), ErrorAction.Stop)]
public sealed partial class ReadsFiles(IGates gates)
{
    [OnRecord]
    public async Task HandleAsync(Parcel parcel, CancellationToken cancellationToken)
    {
        string gate = await File.ReadAllTextAsync("/etc/gates/" + parcel.Gate, cancellationToken);
        await gates.OpenAsync(gate, cancellationToken);
    }
}

/// <summary>A checkpoint is best effort, the author thinks: around it alone everything is caught.</summary>
[KinesisProcessor("parcels", JsonContext = typeof(ParcelsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class CheckpointsIfPossible(IGates gates, ILogger<CheckpointsIfPossible> logger)
{
    [OnRecord]
    public async Task HandleAsync(Parcel parcel, RecordContext context, CancellationToken cancellationToken)
    {
        await gates.OpenAsync(parcel.Gate, cancellationToken);
        try
        {
            await context.CheckpointAsync(cancellationToken);
        }
        {|FC2004:catch (Exception e)|}
        {
            logger.LogWarning(e, "No checkpoint");
        }
    }
}

[KinesisProcessor("parcels", JsonContext = typeof(ParcelsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class ForgetsTheLoss(IGates gates)
{
    [OnBatch]
    public async Task HandleAsync(ReadOnlyMemory<Parcel> parcels, BatchContext context, CancellationToken cancellationToken)
    {
        try
        {
            for (int i = 0; i < parcels.Length; i++)
            {
                await gates.OpenAsync(parcels.Span[i].Gate, cancellationToken);
            }

            await context.CheckpointAsync(cancellationToken);
        }
        {|FC2004:catch (LeaseLostException)|}
        {
        }
    }
}

/// <summary>A validation and a result of a chain: one is dropped, and one is gone on with.</summary>
[KinesisProcessor("parcels", JsonContext = typeof(ParcelsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(InvalidOperationException), ErrorAction.Retry, MaxAttempts = 3)]
public sealed partial class DropsValidation(IGates gates)
{
    [OnRecord]
    public async Task HandleAsync(Parcel parcel, CancellationToken cancellationToken)
    {
        {|FC2008:gates.Check(parcel)|};
        await gates.CloseAsync(parcel.Gate)
            .Tap(() => gates.OpenAsync(parcel.Gate, cancellationToken))
            .TapError(error => throw new InvalidOperationException(error));
    }
}

/// <summary>A service of the house that all lanes of a shard share.</summary>
public sealed class GateStatistics
{
    private readonly Dictionary<string, int> _opened = [];
    private int _all;

    public void Count(string gate)
    {
        {|FC3003:_all|}++;
        {|FC3003:_opened|}[gate] = _opened.GetValueOrDefault(gate) + 1;
    }
}

[KinesisProcessor("parcels", JsonContext = typeof(ParcelsJson))]
[Concurrency(4)]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class CountsInLanes(IGates gates, GateStatistics statistics)
{
    [OnRecord]
    public async Task HandleAsync(Parcel parcel, CancellationToken cancellationToken)
    {
        await gates.OpenAsync(parcel.Gate, cancellationToken);
        statistics.Count(parcel.Gate);
    }
}

/// <summary>Threads, timers and events of the old school.</summary>
[KinesisProcessor("parcels", JsonContext = typeof(ParcelsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class OldSchool(IGates gates, AppDomain domain)
{
    [OnRecord]
    public void Handle(Parcel parcel, CancellationToken cancellationToken)
    {
        var thread = new Thread(() => Console.WriteLine(parcel.Id)) { IsBackground = true };
        {|FC2003:thread.Start()|};
        var timer = {|FC2003:new System.Timers.Timer(100)|};
        timer.Start();
        {|FC2003:domain.ProcessExit += (_, _) => Console.WriteLine(parcel.Gate)|};
        ValueTask open = {|FC2003:new ValueTask(gates.OpenAsync(parcel.Gate, cancellationToken))|};
    }
}

/// <summary>Waits between attempts, longer together than the lease that the start sets.</summary>
[KinesisProcessor("parcels", JsonContext = typeof(ParcelsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(IOException), ErrorAction.Retry)]
public sealed partial class WaitsLong(IGates gates)
{
    private static readonly TimeSpan s_wait = TimeSpan.FromSeconds(8);

    [OnRecord]
    public async Task HandleAsync(Parcel parcel, CancellationToken cancellationToken)
    {
        for (int attempt = 1; attempt <= 3; attempt++)
        {
            await gates.OpenAsync(parcel.Gate, cancellationToken);
            await Task.Delay(s_wait, cancellationToken);
        }
    }
}

public static class ParcelsStartup
{
    public static void AddParcels(IServiceCollection services) => services
        .AddFastConsumer("parcels", options => options.ApplicationName = "parcels")
        .AddProcessor<WaitsLong>(options => options.LeaseDuration = {|FC4002:TimeSpan.FromSeconds(20)|})
        .AddProcessor<WaitsInTime>(options => options.LeaseDuration = TimeSpan.FromSeconds(20));
}

/// <summary>Settings that are out of range, each in its attribute.</summary>
[KinesisProcessor({|FC4001:"par cels"|}, JsonContext = typeof(ParcelsJson))]
[Concurrency({|FC4001:0|})]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(IOException), ErrorAction.Retry, InitialBackoff = "00:01:00", {|FC4001:MaxBackoff = "00:00:10"|})]
public sealed partial class OutOfRange(IGates gates)
{
    [OnRecord]
    public Task HandleAsync(Parcel parcel, CancellationToken cancellationToken) => gates.OpenAsync(parcel.Gate, cancellationToken);
}

/// <summary>A service without its mark is a second payload.</summary>
[KinesisProcessor("parcels", JsonContext = typeof(ParcelsJson))]
public sealed partial class TwoPayloads
{
    [OnRecord]
    public Task HandleAsync(Parcel parcel, IGates {|FC1002:gates|}, CancellationToken cancellationToken) =>
        gates.OpenAsync(parcel.Gate, cancellationToken);
}

/// <summary>Two handlers without a route.</summary>
[KinesisProcessor("parcels", JsonContext = typeof(ParcelsJson))]
public sealed partial class TwoHandlers(IGates gates)
{
    [OnRecord]
    public Task HandleAsync(Parcel parcel, CancellationToken cancellationToken) => gates.OpenAsync(parcel.Gate, cancellationToken);

    [OnRecord]
    public void {|FC1003:HandleText|}(string text) => Console.WriteLine(text);
}

/// <summary>A route that no property chooses.</summary>
[KinesisProcessor("parcels", JsonContext = typeof(ParcelsJson))]
public sealed partial class RouteWithoutProperty(IGates gates)
{
    [OnRecord({|FC1004:Route = "parcel.opened"|})]
    public Task HandleAsync(Parcel parcel, CancellationToken cancellationToken) => gates.OpenAsync(parcel.Gate, cancellationToken);
}

/// <summary>A payload that the context does not know.</summary>
[KinesisProcessor("parcels", JsonContext = typeof(ParcelsJson))]
public sealed partial class UnknownPayload(IGates gates)
{
    [OnRecord]
    public Task HandleAsync(Unknown {|FC1005:unknown|}, CancellationToken cancellationToken) =>
        gates.OpenAsync(unknown.Id, cancellationToken);
}

/// <summary>What comes after the last attempt, where there is no last one.</summary>
[KinesisProcessor("parcels", JsonContext = typeof(ParcelsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(HttpRequestException), ErrorAction.Retry, {|FC1006:Then = ErrorAction.Skip|})]
public sealed partial class ThenWithoutEnd(IGates gates)
{
    [OnRecord]
    public Task HandleAsync(Parcel parcel, CancellationToken cancellationToken) => gates.OpenAsync(parcel.Gate, cancellationToken);
}

/// <summary>A processor that nobody made partial.</summary>
[KinesisProcessor("parcels")]
public sealed class {|FC1001:NotPartial|}(IGates gates)
{
    [OnRecord]
    public Task HandleAsync(string gate, CancellationToken cancellationToken) => gates.OpenAsync(gate, cancellationToken);
}
