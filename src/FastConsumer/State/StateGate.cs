namespace FastConsumer.State;

/// <summary>
/// What keeps a cut and a lane apart. A lane goes through the gate for each change of the tables: it raises a flag, and looks whether the
/// gate is closed. Whoever closes it waits until the flag is down.
/// </summary>
/// <remarks>
/// The invariant: while the gate is closed, the tables are the fold of exactly the records that are marked done. For that, a lane applies a
/// record's effects and marks it done in one passage, and changes nothing of the tables outside of one. The lane has no fence between its
/// store of the flag and its load of the closing: the closer's process-wide barrier stands for it, so that of the two one sees the other.
/// </remarks>
internal sealed class StateGate
{
    private int _inside;
    private int _closed;

    /// <summary>Goes in; waits while the gate is closed. One lane; not twice.</summary>
    public void Enter()
    {
        Volatile.Write(ref _inside, 1);
        if (Volatile.Read(ref _closed) != 0)
        {
            EnterWhenOpen();
        }
    }

    /// <summary>Goes out.</summary>
    public void Exit() => Volatile.Write(ref _inside, 0);

    /// <summary>Closes the gate, and returns when nobody is inside. One caller at a time, and not from inside.</summary>
    public void Close()
    {
        Volatile.Write(ref _closed, 1);
        Interlocked.MemoryBarrierProcessWide();
        var wait = new SpinWait();
        while (Volatile.Read(ref _inside) != 0)
        {
            wait.SpinOnce(sleep1Threshold: -1);
        }
    }

    /// <summary>Opens the gate.</summary>
    public void Open() => Volatile.Write(ref _closed, 0);

    private void EnterWhenOpen()
    {
        var wait = new SpinWait();
        do
        {
            Volatile.Write(ref _inside, 0);
            while (Volatile.Read(ref _closed) != 0)
            {
                wait.SpinOnce(sleep1Threshold: -1);
            }

            Volatile.Write(ref _inside, 1);
        }
        while (Volatile.Read(ref _closed) != 0);
    }
}
