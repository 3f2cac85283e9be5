namespace FastConsumer.Model;

/// <summary>Walks at random through what is too large to be exhausted.</summary>
internal sealed class RandomWalk(Config config, int seed, int maxSteps) : Model(config)
{
    private readonly Random _random = new(seed);
    private readonly List<int> _steps = [];
    private World _chosen;
    private int _chosenStep;
    private int _weight;
    private int _progress;
    private int _breaking;

    public string? Found { get; private set; }

    public IReadOnlyList<string> Trace { get; private set; } = [];

    public long Steps { get; private set; }

    public void Run(int walks)
    {
        for (int walk = 0; walk < walks && Found is null; walk++)
        {
            Walk();
        }

        Trace = Found is null ? [] : [.. _steps.Select(Step.Text)];
    }

    private void Walk()
    {
        World state = Initial();
        _steps.Clear();
        for (int i = 0; i < maxSteps; i++)
        {
            _weight = 0;
            _progress = 0;
            Successors(ref state);
            Steps++;
            if (_progress == 0 && Violation is null)
            {
                CheckTerminal(ref state);
            }

            if (Violation is not null)
            {
                if (_breaking != 0)
                {
                    _steps.Add(_breaking);
                }

                Found = Violation;
                return;
            }

            if (_weight == 0)
            {
                return;
            }

            state = _chosen;
            _steps.Add(_chosenStep);
        }
    }

    protected override void Emit(ref World next, int step, bool isProgress)
    {
        if (Violation is not null)
        {
            _breaking = _breaking == 0 ? step : _breaking;
            return;
        }

        // what goes on by itself is taken more often than what is counted
        int weight = isProgress ? 3 : 1;
        _progress += isProgress ? 1 : 0;
        _weight += weight;
        if (_random.Next(_weight) < weight)
        {
            _chosen = next;
            _chosenStep = step;
        }
    }
}
