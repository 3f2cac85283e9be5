// Log, then let it pass.
using System.Net.Http;
using System.Runtime.ExceptionServices;
using FastConsumer;
using Microsoft.Extensions.Logging;

namespace Corpus.Rethrowing;

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
[OnError(typeof(HttpRequestException), ErrorAction.Retry, MaxAttempts = 8, Then = ErrorAction.Stop)]
public sealed partial class LogAndRethrow(HttpClient http, IOrderBook book, ILogger<LogAndRethrow> log)
{
    [OnRecord]
    public async Task HandleAsync(Order order, CancellationToken cancellationToken)
    {
        try
        {
            await http.GetStringAsync($"/orders/{order.Id}", cancellationToken);
            await book.AddAsync(order, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            log.LogInformation("Stopping");
            throw;
        }
        catch (HttpRequestException e)
        {
            log.LogError(e, "{Order} failed", order.Id);
            ExceptionDispatchInfo.Throw(e);
        }
        catch (Exception e)
        {
            log.LogError(e, "{Order} failed unexpectedly", order.Id);
            throw;
        }
    }
}

public sealed class OrderRejectedException(string message, Exception inner) : Exception(message, inner);

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
public sealed partial class Wrapping(HttpClient http)
{
    [OnRecord]
    public async Task {|FC2001:HandleAsync|}(Order order, CancellationToken cancellationToken)
    {
        try
        {
            await http.GetStringAsync($"/orders/{order.Id}", cancellationToken);
        }
        catch (HttpRequestException e)
        {
            throw new OrderRejectedException($"{order.Id} was rejected.", e);
        }
    }
}
