using Microsoft.Extensions.Logging;

namespace Corpus.PartialClass;

public sealed partial class TwoFileProcessor
{
    private readonly IOrderBook _book;
    private readonly ILogger<TwoFileProcessor> _log;

    public TwoFileProcessor(IOrderBook book, ILogger<TwoFileProcessor> log)
    {
        _book = book;
        _log = log;
    }

    private async Task SaveAsync(Order order, CancellationToken cancellationToken)
    {
        if (order.Amount < 0)
        {
            throw new ArgumentOutOfRangeException(nameof(order), "An amount is negative.");
        }

        try
        {
            await _book.AddAsync(order, cancellationToken);
        }
        {|FC2002:catch (Exception e)|}
        {
            LogFailure(e);
        }
    }

    private void LogFailure(Exception e) => _log.LogError(e, "Failed");

    // no handler reaches this
    private void Unused() => Thread.Sleep(1);
}
