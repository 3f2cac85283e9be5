// Retries by hand, Polly-like: what matters is what follows the last attempt.
using System.IO;
using System.Net.Http;
using FastConsumer;
using Microsoft.Extensions.Logging;

namespace Corpus.RetryLoops;

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson), RouteProperty = "type")]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 3)]
public sealed partial class RetryLoops(IOrderBook book, IDeadLetters letters, ILogger<RetryLoops> log)
{
    [OnRecord(Route = "a")]
    public async Task UntilItWorksAsync(Order order, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await book.AddAsync(order, cancellationToken);
                return;
            }
            catch (HttpRequestException e)
            {
                log.LogWarning(e, "Trying again");
                await Task.Delay(TimeSpan.FromSeconds(1), CancellationToken.None);
            }
        }
    }

    [OnRecord(Route = "b")]
    public async Task ThenDeadLetterAsync(KinesisRecord record, CancellationToken cancellationToken)
    {
        for (int attempt = 1; attempt <= 3; attempt++)
        {
            try
            {
                await book.FindAsync(record.PartitionKey, cancellationToken);
                return;
            }
            catch (HttpRequestException e)
            {
                log.LogWarning(e, "Attempt {Attempt}", attempt);
            }
        }

        await letters.SendAsync("retries", record.Data, cancellationToken);
    }

    [OnRecord(Route = "c")]
    public async Task ThenThrowAsync(Order order, CancellationToken cancellationToken)
    {
        Exception? last = null;
        for (int attempt = 1; attempt <= 3; attempt++)
        {
            try
            {
                await book.AddAsync(order, cancellationToken);
                return;
            }
            catch (HttpRequestException e)
            {
                last = e;
            }
        }

        throw new InvalidOperationException("Three attempts failed.", last);
    }

    [OnRecord(Route = "d")]
    public async Task ThenForgetAsync(Order order, CancellationToken cancellationToken)
    {
        for (int attempt = 1; attempt <= 3; attempt++)
        {
            try
            {
                await book.AddAsync(order, cancellationToken);
                return;
            }
            {|FC2002:catch (HttpRequestException e)|}
            {
                log.LogWarning(e, "Attempt {Attempt}", attempt);
                await Task.Delay(100, CancellationToken.None);
            }
        }
    }

    [OnRecord(Route = "e")]
    public async Task WhenLeftAsync(Order order, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await book.AddAsync(order, cancellationToken);
                break;
            }
            catch (TimeoutException) when (attempt < 5)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100 * attempt), CancellationToken.None);
            }
        }
    }

    [OnRecord]
    public async Task WithFlagAsync(Order order, CancellationToken cancellationToken)
    {
        bool sent = false;
        while (!sent)
        {
            try
            {
                await book.AddAsync(order, cancellationToken);
                sent = true;
            }
            catch (IOException)
            {
                log.LogWarning("Once more");
            }
        }
    }
}
