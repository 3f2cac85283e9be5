using System.Buffers;
using System.ComponentModel;
using System.Runtime.CompilerServices;

namespace FastConsumer.Processors;

/// <summary>The bounds of <see cref="OnBatchAttribute"/>.</summary>
/// <param name="MaxRecords">The most records of a batch.</param>
/// <param name="MaxBytes">The most payload bytes of a batch.</param>
/// <param name="MaxWait">How long the first record of a batch waits for others.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly record struct BatchLimits(int MaxRecords, int MaxBytes, TimeSpan MaxWait);

/// <summary>
/// The pipeline of a processor with an <see cref="OnBatchAttribute"/> method: collects records, then hands them over at once.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class BatchPipeline : ShardPipeline
{
    private readonly int _maxRecords;
    private readonly int _maxBytes;

    // how far the batch reaches: into the last page, and into those before it
    private readonly List<(RecordPage Page, int End)> _endsBefore = [];
    private RecordPage? _lastPage;
    private int _lastEnd;

    private (RecordPage Page, int Index)[] _records = [];
    private long _bytes;

    /// <summary>Creates the pipeline.</summary>
    protected BatchPipeline(BatchLimits limits)
    {
        Limits = limits;
        _maxRecords = limits.MaxRecords;
        _maxBytes = limits.MaxBytes;
    }

    /// <summary>The bounds of a batch.</summary>
    public BatchLimits Limits { get; }

    /// <summary><see cref="OnErrorAttribute.Timeout"/> of one call; null for none.</summary>
    public virtual TimeSpan? Timeout => null;

    /// <summary>The records collected so far.</summary>
    public int Count { get; private set; }

    /// <summary>Changes when a call's records are no longer the ones collected: whoever kept them is told.</summary>
    internal int Call { get; private set; }

    /// <summary>True where no further record fits.</summary>
    public bool IsFull => Count >= _maxRecords || _bytes >= _maxBytes;

    /// <summary>
    /// Collects records from the cursor until the batch is full, the page is at its end, or a stop is requested. Where a
    /// payload cannot be read, the exception leaves with the cursor on that record.
    /// </summary>
    public abstract void Collect(RecordCursor cursor);

    /// <summary>Calls the user's method with the collected records.</summary>
    public abstract ValueTask InvokeAsync(BatchContext context, CancellationToken cancellationToken);

    /// <summary>Gives the pooled arrays back; at the end of the shard's life.</summary>
    public virtual void Release()
    {
        Clear();
        if (_records.Length > 0)
        {
            ArrayPool<(RecordPage, int)>.Shared.Return(_records, clearArray: true);
            _records = [];
        }
    }

    /// <summary>The collected records, for the user's method.</summary>
    protected RecordBatch Records => new(this);

    /// <summary>True where the record the cursor stands on still fits; the first one always does.</summary>
    protected bool Fits(RecordCursor cursor)
    {
        ArgumentNullException.ThrowIfNull(cursor);
        return Count == 0
            || (!IsFull && _bytes + cursor.DataLength <= _maxBytes && !(IsReplay && Divides(cursor.Page!, cursor.Index)));
    }

    /// <summary>Takes the record the cursor stands on into the batch, and moves the cursor past it.</summary>
    protected void Add(RecordCursor cursor)
    {
        ArgumentNullException.ThrowIfNull(cursor);
        int count = Count;
        if (count >= _records.Length)
        {
            Grow(ref _records, count);
        }

        _bytes += cursor.DataLength;
        _records[count] = (cursor.Page!, cursor.Index);
        Count = count + 1;
        Pass(cursor);
    }

    /// <summary>Takes records into the batch while they fit, for a batch that needs nothing of them but where they are.</summary>
    protected void AddWhileFits(RecordCursor cursor)
    {
        ArgumentNullException.ThrowIfNull(cursor);
        if (!cursor.MoveNext())
        {
            return;
        }

        RecordPage page = cursor.Page!;
        if (!ReferenceEquals(_lastPage, page))
        {
            EnterPage(page);
        }

        int count = Count;
        int index = cursor.Index;
        long bytes = _bytes;
        bool isReplay = IsReplay;
        for (; index < cursor.End; index++)
        {
            int length = cursor.DataLengthAt(index);
            if (count > 0 && (count >= _maxRecords || bytes + length > _maxBytes || (isReplay && DividesAt(count, page, index))))
            {
                break;
            }

            if (count >= _records.Length)
            {
                Grow(ref _records, count);
            }

            _records[count++] = (page, index);
            bytes += length;
        }

        Count = count;
        _bytes = bytes;
        _lastEnd = index;
        cursor.TakeUpTo(index);
    }

    /// <summary>
    /// Leaves the record the cursor stands on out of the batch, and moves the cursor past it: it is done with those before it.
    /// </summary>
    protected void LeaveOut(RecordCursor cursor)
    {
        ArgumentNullException.ThrowIfNull(cursor);
        cursor.CountFiltered();
        if (Count == 0)
        {
            cursor.Complete();
        }
        else
        {
            Pass(cursor);
        }
    }

    /// <summary>True while records may come whose outputs a sink has.</summary>
    private bool IsReplay => State is { IsReplay: true };

    /// <summary>
    /// True where a sink has the outputs of the last record and not of this one, or the other way round. What a handler makes of a whole
    /// batch would be left out, or be there, with a part of the records.
    /// </summary>
    private bool Divides(RecordPage page, int index) => DividesAt(Count, page, index);

    private bool DividesAt(int count, RecordPage page, int index)
    {
        (RecordPage last, int at) = _records[count - 1];
        return State!.Divides(last.PositionOf(at), page.PositionOf(index));
    }

    private void Pass(RecordCursor cursor)
    {
        cursor.Take();
        if (!ReferenceEquals(_lastPage, cursor.Page))
        {
            EnterPage(cursor.Page!);
        }

        _lastEnd = cursor.Index;
    }

    private void EnterPage(RecordPage page)
    {
        if (_lastPage is not null)
        {
            _endsBefore.Add((_lastPage, _lastEnd));
        }

        _lastPage = page;
    }

    /// <summary>The position when all that was collected is done, with what was left out behind it.</summary>
    internal CheckpointPosition EndPosition
    {
        get
        {
            RecordPage page = _lastPage ?? throw new InvalidOperationException("Nothing was collected.");
            return _lastEnd >= page.Count ? page.End : page.PositionOf(_lastEnd - 1);
        }
    }

    internal (RecordPage Page, int Index) RecordAt(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
        return _records[index];
    }

    /// <summary>
    /// The first <paramref name="count"/> of the records still in the batch are done, and with them all that stood before the
    /// next one when the batch was collected.
    /// </summary>
    internal void MarkDone(int count)
    {
        (RecordPage? nextPage, int nextIndex) = count < Count ? _records[count] : default;
        foreach ((RecordPage page, int end) in _endsBefore)
        {
            if (ReferenceEquals(page, nextPage))
            {
                page.MarkDone(nextIndex);
                return;
            }

            page.MarkDone(end);
        }

        _lastPage?.MarkDone(ReferenceEquals(_lastPage, nextPage) ? nextIndex : _lastEnd);
    }

    /// <summary>All records of the batch are done but for these, with what was left out before the first of them.</summary>
    internal void MarkDone(IReadOnlyDictionary<int, Exception> failures)
    {
        if (failures.Count == 0)
        {
            MarkDone(Count);
            return;
        }

        int first = failures.Keys.Min();
        MarkDone(first);
        for (int i = first + 1; i < Count; i++)
        {
            if (!failures.ContainsKey(i))
            {
                MarkDoneAhead(i);
            }
        }
    }

    /// <summary>One record of the batch is done, and one before it may not be.</summary>
    internal void MarkDoneAhead(int index) => _records[index].Page.MarkDoneAhead(_records[index].Index);

    /// <summary>The stream's time up to which all records are done when all of the batch are but for these.</summary>
    internal long DoneTime(IReadOnlyDictionary<int, Exception> failures)
    {
        (RecordPage page, int index) = _records[failures.Count == 0 ? Count - 1 : failures.Keys.Min()];
        return page.StreamTimeOf(index);
    }

    /// <summary>Keeps only the records at these indexes, in order, for another attempt.</summary>
    internal virtual void Keep(ReadOnlySpan<int> indexes)
    {
        long bytes = 0;
        for (int i = 0; i < indexes.Length; i++)
        {
            _records[i] = _records[indexes[i]];
            bytes += _records[i].Page.Response.GetDataSpan(_records[i].Index).Length;
        }

        _bytes = bytes;
        Count = indexes.Length;
        Call++;
    }

    internal virtual void Clear()
    {
        Count = 0;
        _bytes = 0;
        _endsBefore.Clear();
        _lastPage = null;
        Call++;
    }

    private protected static void Grow<T>(ref T[] array, int used)
    {
        T[] larger = ArrayPool<T>.Shared.Rent(Math.Max(16, used * 2));
        Array.Copy(array, larger, used);
        if (array.Length > 0)
        {
            ArrayPool<T>.Shared.Return(array, clearArray: RuntimeHelpers.IsReferenceOrContainsReferences<T>());
        }

        array = larger;
    }
}

/// <summary>A <see cref="BatchPipeline"/> whose handler takes payloads.</summary>
/// <typeparam name="TPayload">The payload.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class BatchPipeline<TPayload> : BatchPipeline
{
    private TPayload[] _payloads = [];

    /// <summary>Creates the pipeline.</summary>
    protected BatchPipeline(BatchLimits limits)
        : base(limits)
    {
    }

    /// <summary>The collected payloads, pooled; valid during the user's call.</summary>
    protected ReadOnlyMemory<TPayload> Payloads => _payloads.AsMemory(0, Count);

    /// <inheritdoc/>
    public override void Release()
    {
        base.Release();
        if (_payloads.Length > 0)
        {
            ArrayPool<TPayload>.Shared.Return(_payloads, clearArray: RuntimeHelpers.IsReferenceOrContainsReferences<TPayload>());
            _payloads = [];
        }
    }

    /// <summary>Takes the record the cursor stands on into the batch with its payload, and moves the cursor past it.</summary>
    protected void Add(RecordCursor cursor, TPayload payload)
    {
        if (Count >= _payloads.Length)
        {
            Grow(ref _payloads, Count);
        }

        _payloads[Count] = payload;
        Add(cursor);
    }

    internal override void Keep(ReadOnlySpan<int> indexes)
    {
        for (int i = 0; i < indexes.Length; i++)
        {
            _payloads[i] = _payloads[indexes[i]];
        }

        base.Keep(indexes);
    }

    internal override void Clear()
    {
        if (RuntimeHelpers.IsReferenceOrContainsReferences<TPayload>())
        {
            // what the handler has seen must not be kept alive by the pool
            _payloads.AsSpan(0, Count).Clear();
        }

        base.Clear();
    }
}
