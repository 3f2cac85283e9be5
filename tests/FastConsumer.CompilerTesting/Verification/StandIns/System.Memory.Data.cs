// The part of System.Memory.Data that processors of the corpus use.
namespace System
{
    public class BinaryData(ReadOnlyMemory<byte> data)
    {
        public static BinaryData FromBytes(ReadOnlyMemory<byte> data) => new(data);

        public ReadOnlyMemory<byte> ToMemory() => data;

        public byte[] ToArray() => data.ToArray();
    }
}
