// Each mistake stands on the line that the compiler names, with what it says at the line's end.
using FastConsumer;

return;

[KinesisProcessor("orders")]
public sealed class NotPartial // FC1001
{
    [OnRecord]
    public void Handle(string order) => _ = order.Length;
}

[KinesisProcessor("orders")]
public sealed partial class WithoutPolicy
{
    [OnRecord]
    public void Handle(string order) // FC2001
    {
        if (order.Length == 0)
        {
            throw new InvalidOperationException("empty");
        }
    }
}

[KinesisProcessor("orders")]
public sealed partial class Impatient
{
    [OnRecord]
    public void Handle(string order)
    {
        _ = Task.Run(order.ToUpperInvariant); // FC2003
    }
}

[KinesisProcessor("orders")]
[Checkpoint(Interval = "5")] // FC4001
public sealed partial class DaysForSeconds
{
    [OnRecord]
    public void Handle(string order) => _ = order.Length;
}
