namespace FastConsumer.Model;

/// <summary>
/// Looks at all states in the order of their distance from the first, so that what it finds is a shortest trace. It ends at the first
/// violation, when all states have been looked at (<see cref="IsComplete"/>), or at its bound, which counts states and not time.
/// </summary>
internal sealed class BreadthFirst(Config config, int maxStates) : Model(config)
{
    private readonly StateSet _seen = new();
    private readonly List<int> _parents = [];
    private readonly List<int> _steps = [];
    private StatePacking? _packing;
    private StateQueue? _queue;
    private int _current;
    private int _progress;

    public string? Found { get; private set; }

    public IReadOnlyList<string> Trace { get; private set; } = [];

    public int States => _parents.Count;

    public int Depth { get; private set; }

    public bool IsComplete { get; private set; }

    /// <summary>What the search holds of memory, about.</summary>
    public long Bytes => _seen.Bytes + (_queue?.Bytes ?? 0) + ((_parents.Capacity + (long)_steps.Capacity) * sizeof(int));

    public void Run()
    {
        World state = Initial();
        _packing = new StatePacking(ref state);
        _queue = new StateQueue(_packing);
        Remember(ref state, -1, 0);
        int endOfLevel = 0;
        for (_current = 0; _current < States; _current++)
        {
            if (_current > endOfLevel)
            {
                endOfLevel = States - 1;
                Depth++;
            }

            _queue.Dequeue(out state);
            _progress = 0;
            Successors(ref state);
            if (Found is null && _progress == 0)
            {
                CheckTerminal(ref state);
                Find(0);
            }

            if (Found is not null || States >= maxStates)
            {
                return;
            }
        }

        IsComplete = true;
    }

    protected override void Emit(ref World next, int step, bool isProgress)
    {
        if (Found is not null)
        {
            return;
        }

        Find(step);
        _progress += isProgress ? 1 : 0;
        Remember(ref next, _current, step);
    }

    private void Remember(ref World state, int parent, int step)
    {
        ReadOnlySpan<ulong> packed = _packing!.Pack(ref state);
        if (_seen.Add(StateHash.Of(packed)))
        {
            _parents.Add(parent);
            _steps.Add(step);
            _queue!.Enqueue(packed);
        }
    }

    private void Find(int step)
    {
        if (Violation is null)
        {
            return;
        }

        Found = Violation;
        List<string> trace = step == 0 ? [] : [Step.Text(step)];
        for (int i = _current; i > 0; i = _parents[i])
        {
            trace.Add(Step.Text(_steps[i]));
        }

        trace.Reverse();
        Trace = trace;
    }
}
