using FastConsumer;

namespace Acme.Orders;

[KinesisProcessor("orders")]
public abstract partial class Broken<T> : ProcessorBase
{
    [OnRecord]
    public int Handle(string first, string second) => first.Length + second.Length;
}

public static class Use
{
    public static object Definition<T>()
        where T : class, FastConsumer.Processors.IKinesisProcessor<T> => T.Definition;

    public static object OfBroken() => Definition<Broken<int>>();
}
