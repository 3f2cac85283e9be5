using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace FastConsumer.Testing.Engine;

/// <summary>What an iterator says: a position in a shard of one life of a stream, and when it was issued.</summary>
internal readonly record struct ShardIterator(long StreamNumber, int ShardIndex, ulong Position, long IssuedMs)
{
    private const byte Kind = 1;
    private const int Size = 29;

    public string Seal(TokenSeal seal)
    {
        Span<byte> payload = stackalloc byte[Size];
        payload[0] = Kind;
        BinaryPrimitives.WriteInt64BigEndian(payload[1..], StreamNumber);
        BinaryPrimitives.WriteInt32BigEndian(payload[9..], ShardIndex);
        BinaryPrimitives.WriteUInt64BigEndian(payload[13..], Position);
        BinaryPrimitives.WriteInt64BigEndian(payload[21..], IssuedMs);
        return seal.Seal(payload);
    }

    public static bool TryOpen(TokenSeal seal, string token, [NotNullWhen(true)] out ShardIterator? iterator)
    {
        iterator = seal.TryOpen(token, out byte[]? payload) && payload.Length == Size && payload[0] == Kind
            ? new ShardIterator(
                BinaryPrimitives.ReadInt64BigEndian(payload.AsSpan(1)),
                BinaryPrimitives.ReadInt32BigEndian(payload.AsSpan(9)),
                BinaryPrimitives.ReadUInt64BigEndian(payload.AsSpan(13)),
                BinaryPrimitives.ReadInt64BigEndian(payload.AsSpan(21)))
            : null;
        return iterator is not null;
    }
}
