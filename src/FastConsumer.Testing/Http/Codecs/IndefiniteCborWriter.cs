using System.Buffers;
using System.Text;

namespace FastConsumer.Testing.Http.Codecs;

/// <summary>The other valid CBOR: containers without lengths, and values of text and bytes in chunks.</summary>
internal sealed class IndefiniteCborWriter(IBufferWriter<byte> output) : WireWriter
{
    private const int TextChunk = 16;
    private const int ByteChunk = 1000;
    private readonly CborWireWriter _definite = new(output);

    public override void StartMap(int count) => Open(CborHead.Map);

    public override void EndMap() => Break();

    public override void StartArray(int count) => Open(CborHead.Array);

    public override void EndArray() => Break();

    public override void Name(ReadOnlySpan<byte> utf8) => _definite.Name(utf8);

    public override void Text(ReadOnlySpan<byte> utf8)
    {
        Open(CborHead.TextString);
        while (!utf8.IsEmpty)
        {
            // Each chunk is valid UTF-8 by itself: it does not end inside a character.
            int length = Math.Min(TextChunk, utf8.Length);
            while (length < utf8.Length && (utf8[length] & 0xC0) == 0x80)
            {
                length--;
            }

            _definite.Text(utf8[..length]);
            utf8 = utf8[length..];
        }

        Break();
    }

    public override void Text(string value) => Text(Encoding.UTF8.GetBytes(value));

    public override void Number(long value) => _definite.Number(value);

    public override void Flag(bool value) => _definite.Flag(value);

    public override void Blob(ReadOnlySpan<byte> value)
    {
        Open(CborHead.ByteString);
        for (; !value.IsEmpty; value = value[Math.Min(ByteChunk, value.Length)..])
        {
            _definite.Blob(value[..Math.Min(ByteChunk, value.Length)]);
        }

        Break();
    }

    public override void Timestamp(long unixMs) => _definite.Timestamp(unixMs);

    private void Open(int majorType) => output.Write([(byte)((majorType << 5) | CborHead.Indefinite)]);

    private void Break() => output.Write([CborHead.Break]);
}
