namespace FastConsumer.Kinesis;

/// <summary>
/// The client's connections of one kind. Where one of them turns out to be dead, all that were opened with it are suspected: a NAT, a load
/// balancer or a host that forgets one forgets the others too. They are given up together, and further requests use new ones.
/// </summary>
/// <remarks>What was sent over connections that are given up goes on; they are closed when the last of it has ended.</remarks>
internal sealed class ConnectionPool : IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<Generation> _open = [];
    private readonly Func<HttpMessageInvoker> _create;
    private readonly bool _isRenewable;
    private Generation? _current;
    private bool _isDisposed;

    /// <param name="create">Makes the connections, at the first request and whenever they were given up.</param>
    /// <param name="isRenewable">False where they belong to the caller, so that there are no others.</param>
    public ConnectionPool(Func<HttpMessageInvoker> create, bool isRenewable)
    {
        _create = create;
        _isRenewable = isRenewable;
    }

    /// <summary>The connections to use now. The caller calls <see cref="Generation.Exit"/> once, when its answer is complete.</summary>
    public Generation Enter()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, typeof(KinesisClient));
            if (_current is null)
            {
                _current = new Generation(this, _create());
                _open.Add(_current);
            }

            _current.Users++;
            return _current;
        }
    }

    /// <summary>Closes all connections; what is under way fails.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _current = null;
            _open.ForEach(static generation => generation.Invoker.Dispose());
            _open.Clear();
        }
    }

    private void GiveUp(Generation dead)
    {
        lock (_lock)
        {
            if (_isRenewable && _current == dead)
            {
                _current = null;
                CloseUnused(dead);
            }
        }
    }

    private void Exit(Generation used)
    {
        lock (_lock)
        {
            used.Users--;
            CloseUnused(used);
        }
    }

    /// <summary>Under the lock.</summary>
    private void CloseUnused(Generation generation)
    {
        if (generation.Users == 0 && _current != generation && _open.Remove(generation))
        {
            generation.Invoker.Dispose();
        }
    }

    /// <summary>Connections that were opened since others were given up.</summary>
    internal sealed class Generation(ConnectionPool pool, HttpMessageInvoker invoker)
    {
        private volatile bool _hasAnswered;

        public HttpMessageInvoker Invoker => invoker;

        /// <summary>Guarded by the pool's lock.</summary>
        internal int Users { get; set; }

        /// <summary>True once a request was answered over them: the server speaks their protocol.</summary>
        public bool HasAnswered => _hasAnswered;

        public void Answered() => _hasAnswered = true;

        /// <summary>One of them is dead: further requests go over others.</summary>
        public void GiveUp() => pool.GiveUp(this);

        /// <summary>What was sent has ended.</summary>
        public void Exit() => pool.Exit(this);
    }
}
