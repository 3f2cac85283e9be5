using System.Runtime.InteropServices;

namespace FastConsumer.State;

/// <summary>
/// What keeps a cut and the lanes apart. A lane goes through an entrance of the gate for each change of the tables: it raises the
/// entrance's flag, and looks whether the gate is closed. Whoever closes it waits until all flags are down.
/// </summary>
/// <remarks>
/// The invariant: while the gate is closed, the tables are the fold of exactly the records that are marked done. For that, a lane applies a
/// record's effects and marks it done in one passage, and changes nothing of the tables outside of one. The lane has no fence between its
/// store of the flag and its load of the closing: the closer's process-wide barrier stands for it, so that of the two one sees the other.
/// </remarks>
internal sealed class StateGate
{
    private readonly List<Entrance> _entrances = [];
    private int _closed;

    /// <summary>Before the first record: adds an entrance.</summary>
    public Entrance AddEntrance()
    {
        var entrance = new Entrance(this);
        _entrances.Add(entrance);
        return entrance;
    }

    /// <summary>Closes the gate, and returns when nobody is inside. One caller at a time, and not from inside.</summary>
    public void Close()
    {
        Volatile.Write(ref _closed, 1);
        Interlocked.MemoryBarrierProcessWide();
        var wait = new SpinWait();
        foreach (Entrance entrance in _entrances)
        {
            while (entrance.IsInside)
            {
                wait.SpinOnce(sleep1Threshold: -1);
            }
        }
    }

    /// <summary>Opens the gate.</summary>
    public void Open() => Volatile.Write(ref _closed, 0);

    /// <summary>One way in: for one lane at a time.</summary>
    public sealed class Entrance(StateGate gate)
    {
        private Flag _flag;

        public bool IsInside => Volatile.Read(ref _flag.Inside) != 0;

        /// <summary>Goes in; waits while the gate is closed. Not twice.</summary>
        public void Enter()
        {
            Volatile.Write(ref _flag.Inside, 1);
            if (Volatile.Read(ref gate._closed) != 0)
            {
                EnterWhenOpen();
            }
        }

        /// <summary>Goes out.</summary>
        public void Exit() => Volatile.Write(ref _flag.Inside, 0);

        private void EnterWhenOpen()
        {
            var wait = new SpinWait();
            do
            {
                Volatile.Write(ref _flag.Inside, 0);
                while (Volatile.Read(ref gate._closed) != 0)
                {
                    wait.SpinOnce(sleep1Threshold: -1);
                }

                Volatile.Write(ref _flag.Inside, 1);
            }
            while (Volatile.Read(ref gate._closed) != 0);
        }
    }

    /// <summary>Alone in its line of the cache: lanes write theirs for each record.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Flag
    {
        [FieldOffset(64)]
        public int Inside;
    }
}
