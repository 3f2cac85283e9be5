using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using FastConsumer.Kinesis;
using FastConsumer.Testing;

namespace FastConsumer.Cli.Emulator;

/// <summary>One run of the emulator: it starts, creates the streams, says where it is, and waits for a signal.</summary>
internal sealed class EmulatorRun(EmulatorSettings settings, InvocationConfiguration console)
{
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            NamedStream[] streams = [.. settings.Streams.Select(static stream => new NamedStream(
                new EmbeddedStream(stream.Name) { ShardCount = stream.ShardCount }, $"--stream {stream}"))];
            if (settings.ConfigPath is { } path)
            {
                streams = [.. streams, .. OfFile(path, streams)];
            }

            using X509Certificate2? certificate = settings.Tls.Open(settings.Bind);
            return await RunAsync(settings.ToOptions(certificate), streams, cancellationToken);
        }
        catch (Exception exception) when (exception is ConfigFileException or TlsFileException)
        {
            return await FailAsync(exception.Message);
        }
    }

    private static IEnumerable<NamedStream> OfFile(string path, NamedStream[] others)
    {
        foreach (EmbeddedStream stream in ConfigFile.Read(path))
        {
            yield return others.FirstOrDefault(other => other.Stream.Name == stream.Name) is { } twin
                ? throw new ConfigFileException($"{path}: stream {stream.Name} is named by {twin.Origin} too: give each stream once.")
                : new NamedStream(stream, $"{path}, {stream.Name},");
        }
    }

    private async Task<int> RunAsync(EmbeddedKinesisOptions options, NamedStream[] streams, CancellationToken cancellationToken)
    {
        EmbeddedKinesis kinesis;
        try
        {
            kinesis = await EmbeddedKinesis.StartAsync(options, cancellationToken);
        }
        catch (EmbeddedKinesisDataException exception)
        {
            return await FailAsync($"--data {settings.DataFolder}: {exception.Message}");
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressNotAvailable)
        {
            return await FailAsync(
                $"The emulator cannot listen on {options.Bind}: it is no address of this machine. Choose one that is with --bind, for "
                    + $"example {IPAddress.Loopback}, or {IPAddress.Any} for all of them.");
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            return await FailAsync(
                $"The emulator cannot listen on port {options.Port} of {options.Bind}: {exception.Message.TrimEnd('.')}. Choose another "
                    + "port with --port, or a free one with --port 0.");
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // a signal that came before it listened
            return ExitCodes.Success;
        }

        await using (kinesis)
        {
            return await ServeAsync(kinesis, streams, cancellationToken);
        }
    }

    private async Task<int> ServeAsync(EmbeddedKinesis kinesis, NamedStream[] streams, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> existing = kinesis.ListStreams();
        foreach ((EmbeddedStream stream, string origin) in streams.Where(named => !existing.Contains(named.Stream.Name)))
        {
            try
            {
                kinesis.CreateStream(stream);
            }
            catch (KinesisException exception)
            {
                return await FailAsync($"The stream of {origin} cannot be created: {exception.Message}");
            }
        }

        var report = new EmulatorReport(kinesis, settings, streams.Select(static named => named.Stream.Name));
        await console.Output.WriteLineAsync(settings.Json ? report.Json() : report.Text());
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Ctrl+C or SIGTERM: this is how it ends
        }

        return ExitCodes.Success;
    }

    private async Task<int> FailAsync(string message)
    {
        await console.Error.WriteLineAsync(message);
        return ExitCodes.Failure;
    }

    /// <summary>A stream to create, and where it is named.</summary>
    private sealed record NamedStream(EmbeddedStream Stream, string Origin);
}
