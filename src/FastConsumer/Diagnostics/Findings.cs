using Microsoft.Extensions.Logging;

namespace FastConsumer.Diagnostics;

/// <summary>
/// The conditions that hold right now, by rule and scope. Whoever notices one calls <see cref="Raise"/>, and <see cref="Clear"/> when it
/// is over; rules that are sampled do so with each sample. Read by the health check, metrics and snapshots. Thread-safe.
/// </summary>
/// <remarks>
/// Raising and clearing call no logger: it may block, and they are called from threads that must not. <see cref="Look"/> writes the log.
/// A condition that comes and goes between two looks is not logged here; what has caused it writes its own entry.
/// </remarks>
internal sealed class Findings(TimeProvider time, IReadOnlyDictionary<string, FindingOptions>? options = null)
{
    /// <summary>More findings of one rule are counted, not written one by one.</summary>
    public const int MostOfOneRule = 50;

    /// <summary>What holds again within this time is the same finding.</summary>
    private static readonly TimeSpan s_sameWithin = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan s_reminder = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<(FindingRule Rule, string Scope), State> _states = [];

    /// <summary>What holds now, the worst first, then by id and scope.</summary>
    public IReadOnlyList<Finding> Current
    {
        get
        {
            lock (_lock)
            {
                return
                [
                    .. _states.Values.Where(static state => state.IsRaised).Select(static state => state.ToFinding())
                        .OrderByDescending(static finding => finding.Severity)
                        .ThenBy(static finding => finding.Id, StringComparer.Ordinal)
                        .ThenBy(static finding => finding.Scope, StringComparer.Ordinal),
                ];
            }
        }
    }

    /// <summary>How many conditions it keeps, those that ended lately included.</summary>
    internal int Count
    {
        get
        {
            lock (_lock)
            {
                return _states.Count;
            }
        }
    }

    /// <summary>True while a condition is known to hold, whether it is raised already or not.</summary>
    public bool Holds(FindingRule rule, string scope)
    {
        lock (_lock)
        {
            return _states.TryGetValue((rule, scope), out State? state) && state.Holds;
        }
    }

    /// <summary>The condition holds now.</summary>
    /// <param name="rule">Which one.</param>
    /// <param name="scope">Where.</param>
    /// <param name="message">What was found, in whole sentences. No payload, and of a handler's exception the type only.</param>
    /// <param name="figures">The figures that show it.</param>
    /// <param name="severity">How bad it is here; null for what the rule says.</param>
    public void Raise(
        FindingRule rule, string scope, string message, IReadOnlyList<FindingFigure>? figures = null, FindingSeverity? severity = null)
    {
        FindingOptions? own = options?.GetValueOrDefault(rule.Id);
        if (own is { Off: true })
        {
            return;
        }

        DateTimeOffset now = time.GetUtcNow();
        lock (_lock)
        {
            if (!_states.TryGetValue((rule, scope), out State? state))
            {
                _states[(rule, scope)] = state = new State(rule, scope);
            }

            if (!state.Holds)
            {
                // one that was not cleared yet has not ended
                state.Since = state.IsRaised ? state.Since : now;
                state.Holds = true;
            }

            state.LastSeen = now;
            state.Message = message;
            state.Figures = figures ?? [];
            state.Severity = own?.Severity ?? severity ?? rule.Severity;
            Settle(state, now);
        }
    }

    /// <summary>Whether a sampled condition holds now. The message is made only where it does.</summary>
    public void Set(bool holds, FindingRule rule, string scope, Func<string> message, params FindingFigure[] figures)
    {
        if (holds)
        {
            Raise(rule, scope, message(), figures);
        }
        else
        {
            Clear(rule, scope);
        }
    }

    /// <summary>The condition does not hold (any more).</summary>
    public void Clear(FindingRule rule, string scope)
    {
        lock (_lock)
        {
            if (_states.TryGetValue((rule, scope), out State? state))
            {
                DateTimeOffset now = time.GetUtcNow();
                End(state, now);
                Settle(state, now);
            }
        }
    }

    /// <summary>Nobody looks after this scope any more: all of its conditions are over.</summary>
    public void ClearScope(string scope, params ReadOnlySpan<FindingRule> rules)
    {
        lock (_lock)
        {
            foreach (FindingRule rule in rules)
            {
                if (_states.TryGetValue((rule, scope), out State? state))
                {
                    DateTimeOffset now = time.GetUtcNow();
                    End(state, now);
                    Lower(state, now);
                }
            }
        }
    }

    /// <summary>Writes to the log what was raised and cleared since the last look, and what has lasted for another hour.</summary>
    public void Look(ILogger log)
    {
        List<(State State, Finding Finding, Change Change)> changes = [];
        DateTimeOffset now = time.GetUtcNow();
        lock (_lock)
        {
            foreach (((FindingRule Rule, string) key, State state) in _states.ToList())
            {
                // an event is told once: where the options make it wait, nobody else comes back to it
                Settle(state, now);
                if (state.IsRaised && state.ToldAt is null)
                {
                    changes.Add((state, state.ToFinding(), Change.Raised));
                    state.ToldAt = now;
                }
                else if (state.IsRaised && now - state.ToldAt >= s_reminder)
                {
                    changes.Add((state, state.ToFinding(), Change.Lasts));
                    state.ToldAt = now;
                }
                else if (!state.IsRaised && state.ToldAt is not null
                    && now - state.EndedAt >= (state.Episodes > 1 ? s_sameWithin : default))
                {
                    // one that comes and goes is said to be over when it has stayed away
                    changes.Add((state, state.ToFinding(), Change.Cleared));
                    state.ToldAt = null;
                }

                if (!state.IsRaised && !state.Holds && now - state.EndedAt >= s_sameWithin)
                {
                    _states.Remove(key);
                }
            }
        }

        foreach (IGrouping<(string, Change), (State State, Finding Finding, Change Change)> some in changes
            .GroupBy(static change => (change.Finding.Id, change.Change)))
        {
            int written = 0;
            foreach ((_, Finding finding, Change change) in some.Take(MostOfOneRule))
            {
                written++;
                Write(log, finding, change, now);
            }

            if (some.Count() > written)
            {
                Finding first = some.First().Finding;
                FindingLog.More(log, first.Id, first.Title, some.Count() - written);
            }
        }
    }

    private static void Write(ILogger log, Finding finding, Change change, DateTimeOffset now)
    {
        switch (change)
        {
            case Change.Cleared:
                FindingLog.Cleared(log, finding.Id, finding.Title, finding.Scope, finding.LastSeen - finding.Since, finding.Episodes);
                break;
            case Change.Lasts:
                FindingLog.Lasts(log, finding.Id, finding.Title, finding.Scope, now - finding.Since, finding.Message);
                break;
            case Change.Raised when finding.Severity == FindingSeverity.Information:
                FindingLog.RaisedInformation(log, finding.Id, finding.Title, finding.Scope, finding.Message, finding.Page);
                break;
            default:
                FindingLog.Raised(log, finding.Id, finding.Title, finding.Scope, finding.Message, finding.Page);
                break;
        }
    }

    /// <summary>Under the lock: the condition holds no more.</summary>
    private static void End(State state, DateTimeOffset now)
    {
        if (state.Holds)
        {
            state.Holds = false;
            state.EndedAt = now;
        }
    }

    /// <summary>Under the lock: the finding is over. What comes again soon after this moment is the same one.</summary>
    private static void Lower(State state, DateTimeOffset now)
    {
        if (state.IsRaised)
        {
            state.IsRaised = false;
            state.EndedAt = now;
        }
    }

    /// <summary>Under the lock: raises what has held for long enough, and clears what has been over for long enough.</summary>
    private void Settle(State state, DateTimeOffset now)
    {
        TimeSpan raiseAfter = options?.GetValueOrDefault(state.Rule.Id)?.RaiseAfter ?? state.Rule.RaiseAfter;
        if (state.Holds && !state.IsRaised && now - state.Since >= raiseAfter)
        {
            state.IsRaised = true;
            state.Episodes++;
        }
        else if (!state.Holds && now - state.EndedAt >= state.Rule.ClearAfter(raiseAfter))
        {
            Lower(state, now);
        }
    }

    private enum Change
    {
        Raised,
        Lasts,
        Cleared,
    }

    private sealed class State(FindingRule rule, string scope)
    {
        public FindingRule Rule => rule;

        public bool Holds { get; set; }

        public bool IsRaised { get; set; }

        public DateTimeOffset Since { get; set; }

        public DateTimeOffset LastSeen { get; set; }

        public DateTimeOffset EndedAt { get; set; }

        public DateTimeOffset? ToldAt { get; set; }

        public int Episodes { get; set; }

        public string Message { get; set; } = "";

        public IReadOnlyList<FindingFigure> Figures { get; set; } = [];

        public FindingSeverity Severity { get; set; }

        public Finding ToFinding() => new()
        {
            Id = rule.Id,
            Title = rule.Title,
            Scope = scope,
            Severity = Severity,
            Message = Message,
            Remedy = rule.Remedy,
            Since = Since,
            LastSeen = LastSeen,
            Episodes = Episodes,
            Figures = Figures,
        };
    }
}
