using System.Buffers;
using FastConsumer.Kinesis.Wire;
using FastConsumer.SdkBaseline;

namespace FastConsumer.LoadTest.Replay;

/// <summary>One answer of GetRecords in both encodings, and the ways to decode it.</summary>
internal sealed class Answer
{
    private readonly byte[] _cbor;
    private readonly byte[] _json;
    private readonly byte[] _buffer;

    public Answer(int records, int size)
    {
        _cbor = ReplayAnswers.Whole(isCbor: true, records, size);
        _json = ReplayAnswers.Whole(isCbor: false, records, size);
        _buffer = new byte[_json.Length];
    }

    public int DecodeAsSdk() => SdkKinesis.Decode(_json);

    public int DecodeAsFirstSdkV4() => SdkKinesis.DecodeAsFirstV4(_json);

    /// <summary>Base64 is decoded where it lies, so each run needs a fresh copy of the answer.</summary>
    public int DecodeJson()
    {
        CopyJson();
        return Decode(WireFormat.Json, _buffer);
    }

    /// <summary>Strings in one piece are left as they are, so the answer can be decoded again.</summary>
    public int DecodeCbor() => Decode(WireFormat.Cbor, _cbor);

    public int CopyJson()
    {
        _json.CopyTo(_buffer, 0);
        return _buffer.Length;
    }

    private static int Decode(WireFormat format, byte[] answer)
    {
        DecodedRecords decoded = GetRecordsDecoder.Decode(format, answer, ArrayPool<RecordEntry>.Shared);
        ArrayPool<RecordEntry>.Shared.Return(decoded.Entries);
        return decoded.Count;
    }
}
