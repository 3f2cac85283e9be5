using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace FastConsumer.Cli.Records;

/// <summary>The lines of a file or of standard input as bytes, without their ends. Empty ones are left out.</summary>
internal static class InputLines
{
    private const int LinesAhead = 2_000;
    private const int ReadBytes = 64 * 1024;

    /// <summary>
    /// The lines as they come, in lists of what is there already: a program that writes a line now and then is not waited for.
    /// </summary>
    /// <exception cref="ToolException">A line is too long.</exception>
    public static async IAsyncEnumerable<IReadOnlyList<InputLine>> ReadAsync(
        Stream input, int mostBytes, int mostLines, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Channel<InputLine> lines = Channel.CreateBounded<InputLine>(LinesAhead);
        // a terminal's or a pipe's read cannot be cancelled: it is left alone
        _ = Task.Run(() => FillAsync(input, mostBytes, lines.Writer, cancellationToken), CancellationToken.None);
        while (await lines.Reader.WaitToReadAsync(cancellationToken))
        {
            List<InputLine> ready = [];
            while (ready.Count < mostLines && lines.Reader.TryRead(out InputLine? line))
            {
                ready.Add(line);
            }

            yield return ready;
        }
    }

    private static async Task FillAsync(Stream input, int mostBytes, ChannelWriter<InputLine> lines, CancellationToken cancellationToken)
    {
        try
        {
            byte[] buffer = new byte[ReadBytes];
            using var line = new MemoryStream();
            long number = 1;
            while (await input.ReadAsync(buffer, cancellationToken) is > 0 and int read)
            {
                int start = 0;
                while (buffer.AsSpan(start, read - start).IndexOf((byte)'\n') is >= 0 and int length)
                {
                    line.Write(buffer, start, length);
                    start += length + 1;
                    await EndAsync();
                    number++;
                }

                line.Write(buffer, start, read - start);
                // one more may be the end of the line
                if (line.Length > mostBytes + 1)
                {
                    throw TooLong(number, mostBytes);
                }
            }

            await EndAsync();
            lines.Complete();

            async ValueTask EndAsync()
            {
                byte[] data = line.ToArray();
                line.SetLength(0);
                data = data.Length > 0 && data[^1] == '\r' ? data[..^1] : data;
                if (data.Length > mostBytes)
                {
                    throw TooLong(number, mostBytes);
                }

                if (data.Length > 0)
                {
                    await lines.WriteAsync(new InputLine(number, data), cancellationToken);
                }
            }
        }
        catch (Exception e)
        {
            lines.TryComplete(e);
        }
    }

    private static ToolException TooLong(long number, int mostBytes) => new(
        ExitCodes.Failure,
        $"Line {number} is longer than {mostBytes} bytes, which is the largest record: cut it, or where the stream takes larger "
            + "records, say "
            + "so with --max-record-bytes.");
}

/// <summary>A line.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Data">Its bytes.</param>
internal sealed record InputLine(long Number, byte[] Data);
