namespace FastConsumer.Buffers;

/// <summary>
/// One bound for the bytes that all shards of a worker hold between socket and handler. Waiters are served in the order in
/// which they came. An account that holds nothing is always served, so no shard starves because others are slow; the worst
/// case is therefore the capacity plus one answer for each shard.
/// </summary>
internal sealed class ByteBudget
{
    private const long SmallestDefault = 16L * 1024 * 1024;
    private const long LargestDefault = 256L * 1024 * 1024;

    /// <summary>
    /// The default takes one part of so many of the memory: beside it there are one answer for each shard, and what handlers need.
    /// </summary>
    private const int DefaultPart = 8;

    /// <summary>More than one part of so many leaves too little for the rest.</summary>
    private const int LargestPart = 2;

    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter> _waiters = [];
    private long _capacity;
    private long _used;

    public ByteBudget(long capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        _capacity = capacity;
    }

    public long Capacity
    {
        get
        {
            lock (_lock)
            {
                return _capacity;
            }
        }
    }

    public long Used
    {
        get
        {
            lock (_lock)
            {
                return _used;
            }
        }
    }

    /// <summary>The capacity for a process that may use so much memory: an eighth, at least 16 MiB and at most 256 MiB.</summary>
    public static long DefaultCapacity(long availableBytes) => Math.Clamp(availableBytes / DefaultPart, SmallestDefault, LargestDefault);

    /// <summary>False where a capacity of more than half of the memory invites an <see cref="OutOfMemoryException"/>.</summary>
    public static bool Fits(long capacity, long availableBytes) => capacity <= Math.Max(availableBytes / LargestPart, SmallestDefault);

    /// <summary>
    /// From now on so many bytes may be held. What is held beyond a smaller capacity stays until it is returned; nothing is granted on top
    /// of it but to accounts that hold nothing.
    /// </summary>
    public void Resize(long capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        lock (_lock)
        {
            _capacity = capacity;
            Serve();
        }
    }

    /// <summary>A shard's share; not thread-safe across its own calls to <see cref="Account.ReserveAsync"/>.</summary>
    public Account OpenAccount() => new(this);

    private void Release(Account account, long bytes)
    {
        lock (_lock)
        {
            _used -= bytes;
            account.Held -= bytes;
            Serve();
        }
    }

    /// <summary>Under the lock: grants what fits now.</summary>
    private void Serve()
    {
        bool blocked = false;
        for (LinkedListNode<Waiter>? node = _waiters.First, next; node is not null; node = next)
        {
            next = node.Next;
            Waiter waiter = node.Value;
            // nobody overtakes, except those whose account holds nothing
            if (waiter.Account.Held == 0 || (!blocked && Fits(waiter.Account, waiter.Bytes)))
            {
                _waiters.Remove(node);
                Charge(waiter.Account, waiter.Bytes);
                waiter.Granted.SetResult();
            }
            else
            {
                blocked = true;
            }
        }
    }

    private bool Fits(Account account, long bytes) => account.Held == 0 || _used + bytes <= _capacity;

    private void Charge(Account account, long bytes)
    {
        _used += bytes;
        account.Held += bytes;
    }

    /// <summary>What one shard holds of the budget.</summary>
    internal sealed class Account(ByteBudget budget)
    {
        /// <summary>Guarded by the budget's lock.</summary>
        internal long Held { get; set; }

        /// <summary>Waits until <paramref name="bytes"/> fit.</summary>
        public async ValueTask<Reservation> ReserveAsync(long bytes, CancellationToken cancellationToken)
        {
            Waiter waiter;
            LinkedListNode<Waiter> node;
            lock (budget._lock)
            {
                if (Held == 0 || (budget._waiters.Count == 0 && budget.Fits(this, bytes)))
                {
                    budget.Charge(this, bytes);
                    return new Reservation(budget, this, bytes);
                }

                waiter = new Waiter(this, bytes);
                node = budget._waiters.AddLast(waiter);
            }

            await using (cancellationToken.UnsafeRegister(
                static (state, token) =>
                {
                    (ByteBudget budget, LinkedListNode<Waiter> node) = ((ByteBudget, LinkedListNode<Waiter>))state!;
                    lock (budget._lock)
                    {
                        if (node.List is null)
                        {
                            return;
                        }

                        budget._waiters.Remove(node);
                        // those behind it may fit
                        budget.Serve();
                    }

                    node.Value.Granted.SetCanceled(token);
                },
                (budget, node)))
            {
                await waiter.Granted.Task;
            }

            return new Reservation(budget, this, bytes);
        }
    }

    /// <summary>Bytes held; returned once.</summary>
    internal sealed class Reservation(ByteBudget budget, Account account, long bytes) : IDisposable
    {
        private long _bytes = bytes;

        /// <summary>Corrects an estimate to what it came to.</summary>
        public void Resize(long actual)
        {
            long before = Interlocked.Exchange(ref _bytes, actual);
            budget.Release(account, before - actual);
        }

        public void Dispose()
        {
            long bytes = Interlocked.Exchange(ref _bytes, 0);
            if (bytes != 0)
            {
                budget.Release(account, bytes);
            }
        }
    }

    private sealed record Waiter(Account Account, long Bytes)
    {
        public TaskCompletionSource Granted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
