namespace FastConsumer.State;

// for tests of users, which read stored values as handlers do
internal sealed partial class StateTable<TSub, T>
{
    /// <summary>Writes and reads its values. One that a lane uses must not be used beside it.</summary>
    public StateCodec<T> Codec => _codec;
}
