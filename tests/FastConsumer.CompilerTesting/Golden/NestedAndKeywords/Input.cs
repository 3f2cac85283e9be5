using FastConsumer;

namespace Acme.@event.@namespace
{
    public static partial class Outer
    {
        internal partial record struct @struct
        {
            internal partial interface IInner
            {
                [KinesisProcessor("orders")]
                internal sealed partial record @class
                {
                    [OnRecord]
                    public ValueTask @await(in KinesisRecord @in, CancellationToken @is, RecordContext @base) =>
                        GeneratedPipeline(@in, @is);

                    private static ValueTask GeneratedPipeline(KinesisRecord record, CancellationToken cancellationToken) => default;
                }
            }
        }
    }
}
