using System.Diagnostics.CodeAnalysis;

namespace FastConsumer.State;

/// <summary>The sub-key of states that have none.</summary>
internal readonly record struct NoSubKey;

internal sealed class StateTable<TSub, T>
    where TSub : notnull
{
    public bool Contains(TSub sub) => throw new NotImplementedException();

    public bool TryGet(TSub sub, [MaybeNullWhen(false)] out T value) => throw new NotImplementedException();

    public ref T Edit(TSub sub) => throw new NotImplementedException();

    public void Set(TSub sub, T value) => throw new NotImplementedException();

    public bool Remove(TSub sub) => throw new NotImplementedException();

    public void Clear() => throw new NotImplementedException();

    public int Count() => throw new NotImplementedException();

    public int FirstEntry() => throw new NotImplementedException();

    public bool TryNext(ref int entry, out KeyValuePair<TSub, T> current) => throw new NotImplementedException();
}
