using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net.Sockets;
using FastConsumer.Cli.Emulator;
using FastConsumer.Kinesis;
using FastConsumer.Testing;

namespace FastConsumer.Cli.Commands;

/// <summary><c>fastconsumer emulator</c>: an <see cref="EmbeddedKinesis"/> for other programs on this machine, until Ctrl+C or SIGTERM.</summary>
internal static class EmulatorCommand
{
    private const int DefaultPort = 4567;

    public static Command Create()
    {
        var port = new Option<int>("--port")
        {
            Description = "The port on 127.0.0.1; 0 takes a free one.",
            DefaultValueFactory = static _ => DefaultPort,
            CustomParser = ParsePort,
        };
        var streams = new Option<StreamToCreate[]>("--stream")
        {
            Description = "Creates a stream, with one shard or as many as follow the name: --stream orders:4. May be repeated.",
            HelpName = "name[:shards]",
            CustomParser = ParseStreams,
            Arity = ArgumentArity.OneOrMore,
        };
        var noQuotas = new Option<bool>("--no-quotas")
        {
            Description = "Switches the quotas of shards off: 5 reads and 2 MiB read, 1,000 records and 1 MiB written a second.",
        };
        var accountId = new Option<string>("--account-id")
        {
            Description = "The account in ARNs, 12 digits.",
            DefaultValueFactory = static _ => new EmbeddedKinesisOptions().AccountId,
            CustomParser = ParseAccountId,
        };
        var region = new Option<string>("--region")
        {
            Description = "The region in ARNs.",
            DefaultValueFactory = static _ => new EmbeddedKinesisOptions().Region,
            CustomParser = ParseRegion,
        };
        var json = new Option<bool>("--json") { Description = "Prints one line of JSON instead of text." };

        var command = new Command("emulator", "Runs a local Kinesis, in memory, until Ctrl+C or SIGTERM.") { port, streams, noQuotas, accountId, region, json };
        command.SetAction((arguments, cancellationToken) =>
        {
            bool quotas = !arguments.GetValue(noQuotas);
            var options = new EmbeddedKinesisOptions
            {
                Port = arguments.GetValue(port),
                AccountId = arguments.GetValue(accountId)!,
                Region = arguments.GetValue(region)!,
                ReadQuota = quotas ? ReadQuotaModel.TokenBucket : ReadQuotaModel.None,
                WriteQuota = quotas,
            };
            return RunAsync(
                options, arguments.GetValue(streams) ?? [], arguments.GetValue(json), arguments.InvocationConfiguration, cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        EmbeddedKinesisOptions options,
        IReadOnlyList<StreamToCreate> streams,
        bool json,
        InvocationConfiguration console,
        CancellationToken cancellationToken)
    {
        EmbeddedKinesis kinesis;
        try
        {
            kinesis = await EmbeddedKinesis.StartAsync(options, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            await console.Error.WriteLineAsync(
                $"The emulator cannot listen on port {options.Port} of 127.0.0.1: {exception.Message.TrimEnd('.')}. Choose another port with --port, "
                    + "or a free one with --port 0.");
            return ExitCodes.Failure;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // a signal that came before it listened
            return ExitCodes.Success;
        }

        await using (kinesis)
        {
            foreach (StreamToCreate stream in streams)
            {
                try
                {
                    kinesis.CreateStream(stream.Name, stream.ShardCount);
                }
                catch (KinesisException exception)
                {
                    await console.Error.WriteLineAsync($"The stream of --stream {stream} cannot be created: {exception.Message}");
                    return ExitCodes.Failure;
                }
            }

            await console.Output.WriteLineAsync(json ? EmulatorReport.Json(kinesis, streams) : EmulatorReport.Text(kinesis, streams));
            try
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // Ctrl+C or SIGTERM: this is how it ends
            }
        }

        return ExitCodes.Success;
    }

    private static int ParsePort(ArgumentResult result)
    {
        string text = result.Tokens.Single().Value;
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int port) || port > ushort.MaxValue)
        {
            result.AddError($"--port '{text}' is no port: give 0 to 65535; 0 takes a free one.");
        }

        return port;
    }

    private static string ParseAccountId(ArgumentResult result)
    {
        string text = result.Tokens.Single().Value;
        if (text.Length != 12 || !text.All(char.IsAsciiDigit))
        {
            result.AddError($"--account-id '{text}' is no account: give 12 digits, for example 000000000000.");
        }

        return text;
    }

    private static string ParseRegion(ArgumentResult result)
    {
        string text = result.Tokens.Single().Value;
        if (text.Length == 0 || !text.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
        {
            result.AddError($"--region '{text}' is no region: give its system name, for example us-east-1.");
        }

        return text;
    }

    private static StreamToCreate[] ParseStreams(ArgumentResult result)
    {
        List<StreamToCreate> streams = [];
        foreach (Token token in result.Tokens)
        {
            if (!StreamToCreate.TryParse(token.Value, out StreamToCreate? stream, out string? error))
            {
                result.AddError($"--stream '{token.Value}' is not understood: {error}");
            }
            else if (streams.Any(other => other.Name == stream.Name))
            {
                result.AddError($"--stream '{token.Value}' names a stream that was named before: give each stream once.");
            }
            else
            {
                streams.Add(stream);
            }
        }

        return [.. streams];
    }
}
