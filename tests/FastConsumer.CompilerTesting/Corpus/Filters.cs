// Filters that choose among exceptions.
using System.Net;
using System.Net.Http;
using FastConsumer;
using Microsoft.Extensions.Logging;

namespace Corpus.Filters;

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
[OnError(typeof(HttpRequestException), ErrorAction.Retry, MaxAttempts = 5)]
public sealed partial class NotFoundIsFine(HttpClient http, ILogger<NotFoundIsFine> log)
{
    [OnRecord]
    public async Task HandleAsync(Order order, CancellationToken cancellationToken)
    {
        try
        {
            await http.GetStringAsync($"/orders/{order.Id}", cancellationToken);
        }
        catch (HttpRequestException e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            log.LogWarning("{Order} is gone", order.Id);
        }
    }
}

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
public sealed partial class NotFoundIsFineButOthers(HttpClient http)
{
    [OnRecord]
    public async Task {|FC2001:HandleAsync|}(Order order, CancellationToken cancellationToken)
    {
        try
        {
            await http.GetStringAsync($"/orders/{order.Id}", cancellationToken);
        }
        catch (HttpRequestException e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
        }
    }
}

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
public sealed partial class AllButCancellation(HttpClient http, IDeadLetters letters)
{
    [OnRecord]
    public async Task HandleAsync(Order order, [FromServices] KinesisRecordView view, CancellationToken cancellationToken)
    {
        try
        {
            await http.GetStringAsync($"/orders/{order.Id}", cancellationToken);
        }
        catch (Exception e) when (e is not (OperationCanceledException or LeaseLostException))
        {
            await letters.SendAsync(e.Message, view.Data);
        }
    }
}

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
public sealed partial class TimeOutsOnly(IOrderBook book, ILogger<TimeOutsOnly> log)
{
    [OnRecord]
    public async Task HandleAsync(Order order, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(2));
        try
        {
            await book.AddAsync(order, timeout.Token);
        }
        {|FC2002:catch (OperationCanceledException)|} when (!cancellationToken.IsCancellationRequested)
        {
            log.LogWarning("{Order} took too long", order.Id);
        }
    }
}

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
[OnError(typeof(TimeoutException), ErrorAction.Retry, MaxAttempts = 5)]
public sealed partial class TimeOutsTold(IOrderBook book)
{
    [OnRecord]
    public async Task HandleAsync(Order order, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(2));
        try
        {
            await book.AddAsync(order, timeout.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"{order.Id} took too long.");
        }
    }
}

public sealed class KinesisRecordView
{
    public ReadOnlyMemory<byte> Data { get; set; }
}
