// Written from the rules' pages alone. The marks were set before anything was run.
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Threading.Channels;
using CSharpFunctionalExtensions;
using ErrorOr;
using FastConsumer;
using FluentResults;
using LanguageExt;
using LanguageExt.Common;
using Microsoft.Extensions.Logging;
using OneOf;
using OneOf.Types;
using CfeResult = CSharpFunctionalExtensions.Result;
using Error = LanguageExt.Common.Error;
using Fluent = FluentResults.Result;
using Reserved = ErrorOr.Success;

namespace Corpus.Independent.Results;

public sealed record Shipment(string Id, string Warehouse, int Units);

[JsonSerializable(typeof(Shipment))]
public sealed partial class ResultsJson : JsonSerializerContext;

public sealed class RefusedException(string message) : Exception(message);

public interface IWarehouse
{
    Task<ErrorOr<Reserved>> ReserveAsync(Shipment shipment, CancellationToken cancellationToken);

    Task<Either<Error, Shipment>> PackAsync(Shipment shipment, CancellationToken cancellationToken);

    ValueTask<Fin<Unit>> LabelAsync(Shipment shipment, CancellationToken cancellationToken);

    Task<CfeResult> HandOverAsync(Shipment shipment, CancellationToken cancellationToken);

    Task<Ardalis.Result.Result<Shipment>> InvoiceAsync(Shipment shipment, CancellationToken cancellationToken);

    Task<OneOf<OneOf.Types.Success, NotFound>> CloseAsync(string id, CancellationToken cancellationToken);

    Task<Fluent> ArchiveAsync(Shipment shipment, CancellationToken cancellationToken);
}

/// <summary>ErrorOr, awaited and dropped.</summary>
[KinesisProcessor("shipments", JsonContext = typeof(ResultsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class ReservesAnyhow(IWarehouse warehouse)
{
    [OnRecord]
    public async Task HandleAsync(Shipment shipment, CancellationToken cancellationToken)
    {
        await {|FC2008:warehouse.ReserveAsync(shipment, cancellationToken)|};
    }
}

/// <summary>ErrorOr, as the handler's own task: the type of the return value is Task, and the answer is gone.</summary>
[KinesisProcessor("shipments", JsonContext = typeof(ResultsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class ReservesAsTask(IWarehouse warehouse)
{
    [OnRecord]
    public Task HandleAsync(Shipment shipment, CancellationToken cancellationToken) =>
        {|FC2008:warehouse.ReserveAsync(shipment, cancellationToken)|};
}

/// <summary>ErrorOr, looked at: what is refused is an exception for the policy.</summary>
[KinesisProcessor("shipments", JsonContext = typeof(ResultsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(RefusedException), ErrorAction.Retry, MaxAttempts = 3, Then = ErrorAction.DeadLetter)]
public sealed partial class Reserves(IWarehouse warehouse)
{
    [OnRecord]
    public async Task HandleAsync(Shipment shipment, CancellationToken cancellationToken)
    {
        ErrorOr<Reserved> result = await warehouse.ReserveAsync(shipment, cancellationToken);
        result.Switch(_ => { }, errors => throw new RefusedException(errors[0].Code));
    }
}

/// <summary>Either, to a discard.</summary>
[KinesisProcessor("shipments", JsonContext = typeof(ResultsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class PacksAnyhow(IWarehouse warehouse, ILogger<PacksAnyhow> logger)
{
    [OnRecord]
    public async Task HandleAsync(Shipment shipment, CancellationToken cancellationToken)
    {
        _ = await {|FC2008:warehouse.PackAsync(shipment, cancellationToken)|};
        logger.LogInformation("Packed {Id}", shipment.Id);
    }
}

/// <summary>Either and Fin, each matched.</summary>
[KinesisProcessor("shipments", JsonContext = typeof(ResultsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 3, Then = ErrorAction.DeadLetter)]
public sealed partial class PacksAndLabels(IWarehouse warehouse)
{
    [OnRecord]
    public async Task HandleAsync(Shipment shipment, CancellationToken cancellationToken)
    {
        Shipment packed = (await warehouse.PackAsync(shipment, cancellationToken)).Match(
            Right: made => made, Left: error => throw error.ToException());
        (await warehouse.LabelAsync(packed, cancellationToken)).ThrowIfFail();
    }
}

/// <summary>CSharpFunctionalExtensions: what failed is logged on the way, by a call that goes on with the result.</summary>
[KinesisProcessor("shipments", JsonContext = typeof(ResultsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(RefusedException), ErrorAction.DeadLetter)]
public sealed partial class HandsOverInAChain(IWarehouse warehouse)
{
    [OnRecord]
    public async Task HandleAsync(Shipment shipment, CancellationToken cancellationToken)
    {
        await warehouse.HandOverAsync(shipment, cancellationToken)
            .TapError(error => throw new RefusedException(error))
            .Finally(result => result.IsSuccess);
    }
}

/// <summary>CSharpFunctionalExtensions, dropped in one of two branches.</summary>
[KinesisProcessor("shipments", JsonContext = typeof(ResultsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(RefusedException), ErrorAction.DeadLetter)]
public sealed partial class HandsOverAnyhow(IWarehouse warehouse)
{
    [OnRecord]
    public async Task HandleAsync(Shipment shipment, CancellationToken cancellationToken)
    {
        if (shipment.Units > 100)
        {
            CfeResult result = await warehouse.HandOverAsync(shipment, cancellationToken);
            if (result.IsFailure)
            {
                throw new RefusedException(result.Error);
            }
        }
        else
        {
            await {|FC2008:warehouse.HandOverAsync(shipment, cancellationToken)|};
        }
    }
}

/// <summary>Ardalis.Result in a local that nobody reads.</summary>
[KinesisProcessor("shipments", JsonContext = typeof(ResultsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class InvoicesAnyhow(IWarehouse warehouse, ILogger<InvoicesAnyhow> logger)
{
    [OnRecord]
    public async Task HandleAsync(Shipment shipment, CancellationToken cancellationToken)
    {
        var result = await {|FC2008:warehouse.InvoiceAsync(shipment, cancellationToken)|};
        logger.LogInformation("Invoiced {Id}", shipment.Id);
    }
}

/// <summary>Ardalis.Result by its status; a failure decides what the policy does.</summary>
[KinesisProcessor("shipments", JsonContext = typeof(ResultsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(RefusedException), ErrorAction.Skip)]
[OnError(typeof(TimeoutException), ErrorAction.Retry, MaxAttempts = 5)]
public sealed partial class Invoices(IWarehouse warehouse)
{
    [OnRecord]
    public async Task HandleAsync(Shipment shipment, CancellationToken cancellationToken)
    {
        var result = await warehouse.InvoiceAsync(shipment, cancellationToken);
        switch (result.Status)
        {
            case Ardalis.Result.ResultStatus.Ok:
                return;
            case Ardalis.Result.ResultStatus.Conflict:
                throw new RefusedException(shipment.Id);
            default:
                throw new TimeoutException(string.Join(", ", result.Errors));
        }
    }
}

/// <summary>OneOf with both sides handled.</summary>
[KinesisProcessor("shipments", JsonContext = typeof(ResultsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(RefusedException), ErrorAction.DeadLetter)]
public sealed partial class Closes(IWarehouse warehouse)
{
    [OnRecord]
    public async Task HandleAsync(Shipment shipment, CancellationToken cancellationToken)
    {
        if (!(await warehouse.CloseAsync(shipment.Id, cancellationToken)).TryPickT0(out _, out _))
        {
            throw new RefusedException("no such shipment");
        }
    }
}

/// <summary>FluentResults: one looked at by its errors, and one that is assigned again before anybody looked.</summary>
[KinesisProcessor("shipments", JsonContext = typeof(ResultsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(RefusedException), ErrorAction.DeadLetter)]
public sealed partial class ArchivesMerged(IWarehouse warehouse)
{
    [OnBatch(MaxRecords = 20)]
    public async Task HandleAsync(ReadOnlyMemory<Shipment> shipments, BatchContext context, CancellationToken cancellationToken)
    {
        Fluent[] results = await Task.WhenAll(shipments.ToArray().Select(shipment => warehouse.ArchiveAsync(shipment, cancellationToken)));
        for (int i = 0; i < results.Length; i++)
        {
            if (results[i].IsFailed)
            {
                context.Fail(i, new RefusedException(results[i].Errors[0].Message));
            }
        }
    }
}

/// <summary>FluentResults of a whole batch, awaited together and dropped.</summary>
[KinesisProcessor("shipments", JsonContext = typeof(ResultsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class ArchivesBlind(IWarehouse warehouse)
{
    [OnBatch(MaxRecords = 20)]
    public async Task HandleAsync(ReadOnlyMemory<Shipment> shipments, CancellationToken cancellationToken)
    {
        foreach (Shipment shipment in shipments.ToArray())
        {
            await {|FC2008:warehouse.ArchiveAsync(shipment, cancellationToken)|}.ConfigureAwait(false);
        }
    }
}

public sealed record StockResult(bool IsSuccess, string? Reason);

/// <summary>The house's own result and its own Try method, both dropped.</summary>
[KinesisProcessor("shipments", JsonContext = typeof(ResultsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class OwnResults(IWarehouse warehouse)
{
    [OnRecord]
    public async Task HandleAsync(Shipment shipment, CancellationToken cancellationToken)
    {
        await {|FC2008:TryReserveAsync(shipment, cancellationToken)|};
        {|FC2008:Book(shipment)|};
    }

    private static StockResult Book(Shipment shipment) => shipment.Units > 0 ? new(true, null) : new(false, "empty");

    private async Task<bool> TryReserveAsync(Shipment shipment, CancellationToken cancellationToken) =>
        !(await warehouse.ReserveAsync(shipment, cancellationToken)).IsError;
}

/// <summary>The house's own result and its own Try method, both looked at.</summary>
[KinesisProcessor("shipments", JsonContext = typeof(ResultsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(RefusedException), ErrorAction.DeadLetter)]
public sealed partial class OwnResultsSeen(IWarehouse warehouse)
{
    [OnRecord]
    public async Task HandleAsync(Shipment shipment, CancellationToken cancellationToken)
    {
        if (!await TryReserveAsync(shipment, cancellationToken) || Book(shipment) is { IsSuccess: false })
        {
            throw new RefusedException(shipment.Id);
        }
    }

    private static StockResult Book(Shipment shipment) => new(shipment.Units > 0, null);

    private async Task<bool> TryReserveAsync(Shipment shipment, CancellationToken cancellationToken) =>
        (await warehouse.ReserveAsync(shipment, cancellationToken)).Match(_ => true, _ => false);
}

/// <summary>A full channel says no, and nobody hears it; what it takes is done before it is done.</summary>
[KinesisProcessor("shipments", JsonContext = typeof(ResultsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class DropsWhenFull(IWarehouse warehouse)
{
    private readonly Channel<Shipment> _queue = Channel.CreateBounded<Shipment>(
        new BoundedChannelOptions(100) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true });

    [OnRecord]
    public void Handle(Shipment shipment) => {|FC2006:{|FC2008:_queue.Writer.TryWrite(shipment)|}|};

    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        while (await _queue.Reader.WaitToReadAsync(cancellationToken))
        {
            while (_queue.Reader.TryRead(out Shipment? shipment))
            {
                (await warehouse.LabelAsync(shipment, cancellationToken)).ThrowIfFail();
            }
        }
    }
}

/// <summary>An await that swallows what the task says.</summary>
[KinesisProcessor("shipments", JsonContext = typeof(ResultsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class SuppressesThrowing(IWarehouse warehouse)
{
    [OnRecord]
    public async Task HandleAsync(Shipment shipment, CancellationToken cancellationToken)
    {
        Task closing = warehouse.CloseAsync(shipment.Id, cancellationToken);
        await {|FC2008:closing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing)|};
    }
}
