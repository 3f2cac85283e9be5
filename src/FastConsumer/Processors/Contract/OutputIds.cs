using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace FastConsumer.Processors;

/// <summary>Ids that are the same whenever a record is handled again.</summary>
internal static class OutputIds
{
    /// <summary>The number of a record's dead letter; those that handlers give are not below 0 as a rule.</summary>
    public const int DeadLetter = int.MinValue;

    /// <param name="scope">The shard, and what tells its stream from others.</param>
    /// <param name="position">The record.</param>
    /// <param name="number">Tells what one record sends apart.</param>
    public static Guid Of(string scope, CheckpointPosition position, int number)
    {
        string text = string.Create(
            CultureInfo.InvariantCulture,
            $"{scope}/{position.ToCheckpointString()}/{position.SubSequenceNumber}/{number}");
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        // version 8 of RFC 9562: what the other bits are is up to whoever makes it
        hash[6] = (byte)((hash[6] & 0x0f) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3f) | 0x80);
        return new Guid(hash[..16], bigEndian: true);
    }
}
