using System.Buffers;
using System.Buffers.Binary;
using FastConsumer.State.Format;

namespace FastConsumer.Testing.Storage;

/// <summary>
/// The file: a first line that names the format and its version, then entries, each after its length, the length's complement and a
/// CRC-32C. The first entry says with which options the file was written.
/// </summary>
internal static class JournalFormat
{
    public const int Version = 1;
    public const int FrameBytes = 12;
    private const string Name = "fastconsumer-emulator-log ";

    public static byte[] FirstLine { get; } = [.. System.Text.Encoding.ASCII.GetBytes($"{Name}{Version}\n")];

    public static void WriteEntry(IBufferWriter<byte> output, ReadOnlySpan<byte> payload)
    {
        Span<byte> frame = stackalloc byte[FrameBytes];
        BinaryPrimitives.WriteInt32LittleEndian(frame, payload.Length);
        BinaryPrimitives.WriteInt32LittleEndian(frame[4..], ~payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[8..], Crc32C.Of(payload));
        output.Write(frame);
        output.Write(payload);
    }

    /// <summary>Reads the entries behind the first line, in order; returns where the last whole one ends.</summary>
    /// <exception cref="EmbeddedKinesisDataException">The format is another, or the file is damaged before its end.</exception>
    public static long Read(string path, Action<long, byte[]> entry)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1024 * 1024);
        RequireVersion(path, file);
        Span<byte> frame = stackalloc byte[FrameBytes];
        while (true)
        {
            long offset = file.Position;
            if (file.ReadAtLeast(frame, FrameBytes, throwOnEndOfStream: false) < FrameBytes)
            {
                return offset;
            }

            int length = BinaryPrimitives.ReadInt32LittleEndian(frame);
            if (length < 0 || length != ~BinaryPrimitives.ReadInt32LittleEndian(frame[4..]))
            {
                throw Damaged(path, offset, "its length is not whole");
            }

            if (length > file.Length - file.Position)
            {
                return offset;
            }

            byte[] payload = new byte[length];
            file.ReadExactly(payload);
            if (Crc32C.Of(payload) != BinaryPrimitives.ReadUInt32LittleEndian(frame[8..]))
            {
                return file.Position == file.Length ? offset : throw Damaged(path, offset, "its checksum is another");
            }

            entry(offset, payload);
        }
    }

    public static EmbeddedKinesisDataException Damaged(string path, long offset, string why, Exception? cause = null) => new(
        $"{path} is damaged: the entry at byte {offset} cannot be used, for {why}. Bring back a copy of the file, or begin with an empty "
            + "folder.",
        cause);

    private static void RequireVersion(string path, FileStream file)
    {
        byte[] line = new byte[FirstLine.Length];
        int read = file.ReadAtLeast(line, line.Length, throwOnEndOfStream: false);
        if (line.AsSpan(0, read).SequenceEqual(FirstLine))
        {
            return;
        }

        string text = System.Text.Encoding.ASCII.GetString(line, 0, read).TrimEnd();
        throw new EmbeddedKinesisDataException(text.StartsWith(Name, StringComparison.Ordinal)
            ? $"{path} has version {text[Name.Length..]} of its format; this program reads version {Version}. Use the version of the "
                + "program that wrote it, or an empty folder."
            : $"{path} is no log of the emulator. Use another folder, or an empty one.");
    }
}
