using System.Diagnostics.CodeAnalysis;

namespace FastConsumer.Testing;

/// <summary>
/// Faults on demand, by operation. A fault applies to the next requests of its operation, as many as it says; faults of
/// one kind are used up in the order they were scripted, and a request may meet a delay together with a failure or a cut.
/// </summary>
/// <remarks>Members are safe to call from any thread, while requests are being served too.</remarks>
public sealed class FaultScript
{
    /// <summary>Stands for every operation.</summary>
    public const string AnyOperation = "*";

    private readonly Lock _gate = new();
    private readonly List<Entry> _entries = [];

    internal FaultScript()
    {
    }

    /// <summary>Answers with an error instead of doing the operation.</summary>
    /// <param name="operation">The operation's name, for example <c>GetRecords</c>, or <see cref="AnyOperation"/>.</param>
    /// <param name="errorCode">The error's name, for example <c>ProvisionedThroughputExceededException</c>.</param>
    /// <param name="message">Its message.</param>
    /// <param name="status">The HTTP status.</param>
    /// <param name="times">How many requests; <see cref="int.MaxValue"/> for all until <see cref="Clear"/>.</param>
    public void Fail(string operation, string errorCode, string message = "A scripted fault.", int status = 400, int times = 1) =>
        Add(new Entry(operation, times) { ErrorCode = errorCode, Message = message, Status = status });

    /// <summary>Waits before the operation, by the clock of the options (with a manual clock: until it is advanced).</summary>
    /// <param name="operation">The operation's name, or <see cref="AnyOperation"/>.</param>
    /// <param name="delay">How long.</param>
    /// <param name="times">How many requests.</param>
    public void Delay(string operation, TimeSpan delay, int times = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        Add(new Entry(operation, times) { Delay = delay });
    }

    /// <summary>Breaks the connection (over HTTP/2: resets the stream) instead of answering.</summary>
    /// <param name="operation">The operation's name, or <see cref="AnyOperation"/>.</param>
    /// <param name="times">How many requests.</param>
    /// <param name="afterBytes">Null: before the operation is done, without an answer. Else it is done, and the answer's head and this many
    /// bytes of its body are sent first.</param>
    public void Cut(string operation, int times = 1, int? afterBytes = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(afterBytes.GetValueOrDefault(), nameof(afterBytes));
        Add(new Entry(operation, times) { IsCut = true, AfterBytes = afterBytes });
    }

    /// <summary>
    /// Does the operation, and breaks the connection (over HTTP/2: resets the stream) before the first byte of the answer.
    /// </summary>
    /// <param name="operation">The operation's name, or <see cref="AnyOperation"/>.</param>
    /// <param name="times">How many requests.</param>
    public void LoseAnswer(string operation, int times = 1) => Add(new Entry(operation, times) { IsCut = true, IsDone = true });

    /// <summary>Forgets every fault that has not been used up.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _entries.Clear();
        }
    }

    internal TimeSpan? TakeDelay(string operation) =>
        TryTake(operation, static entry => entry.Delay is not null, out Entry? entry) ? entry.Delay : null;

    internal bool TryTakeFailure(string operation, [NotNullWhen(true)] out Entry? failure) =>
        TryTake(operation, static entry => entry.ErrorCode is not null, out failure);

    internal bool TryTakeCut(string operation, [NotNullWhen(true)] out Entry? cut) =>
        TryTake(operation, static entry => entry.IsCut, out cut);

    private void Add(Entry entry)
    {
        ArgumentException.ThrowIfNullOrEmpty(entry.Operation, "operation");
        ArgumentOutOfRangeException.ThrowIfLessThan(entry.Times, 1, "times");
        lock (_gate)
        {
            _entries.Add(entry);
        }
    }

    private bool TryTake(string operation, Predicate<Entry> isWanted, [NotNullWhen(true)] out Entry? taken)
    {
        lock (_gate)
        {
            taken = _entries.Find(entry => (entry.Operation == operation || entry.Operation == AnyOperation) && isWanted(entry));
            if (taken is not null && taken.Times != int.MaxValue && --taken.Times == 0)
            {
                _entries.Remove(taken);
            }

            return taken is not null;
        }
    }

    internal sealed class Entry(string operation, int times)
    {
        public string Operation { get; } = operation;

        public int Times { get; set; } = times;

        public string? ErrorCode { get; init; }

        public string Message { get; init; } = "";

        public int Status { get; init; }

        public TimeSpan? Delay { get; init; }

        public bool IsCut { get; init; }

        public int? AfterBytes { get; init; }

        /// <summary>The connection is cut after the operation, before its answer.</summary>
        public bool IsDone { get; init; }

        /// <summary>The connection is cut instead of doing the operation.</summary>
        public bool IsCutBefore => IsCut && AfterBytes is null && !IsDone;
    }
}
