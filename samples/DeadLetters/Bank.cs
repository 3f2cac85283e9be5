using System.Collections.Concurrent;

namespace DeadLetters;

/// <summary>The account cannot be paid to.</summary>
public sealed class AccountClosedException(string message) : Exception(message);

/// <summary>
/// Stands for a service out there: it answers payment 20 at its fourth call, payment 60 never, and knows a closed account.
/// </summary>
public sealed class Bank
{
    private readonly ConcurrentDictionary<int, int> _calls = new();
    private int _paid;

    public int Paid => _paid;

    public async Task PayAsync(Payment payment, CancellationToken cancellationToken)
    {
        await Task.Yield();
        cancellationToken.ThrowIfCancellationRequested();
        int calls = _calls.AddOrUpdate(payment.Id, 1, static (_, former) => former + 1);
        if ((payment.Id == 20 && calls < 4) || payment.Id == 60)
        {
            throw new TimeoutException("The bank does not answer.");
        }

        if (payment.Account == "closed")
        {
            throw new AccountClosedException($"The account of payment {payment.Id} is closed.");
        }

        Interlocked.Increment(ref _paid);
    }
}
