using System.CommandLine;
using System.Net;
using FastConsumer.Cli.Emulator;
using FastConsumer.Testing;

namespace FastConsumer.Cli.Commands;

/// <summary>
/// <c>fastconsumer emulator</c>: an <see cref="EmbeddedKinesis"/> for other programs on this machine, until Ctrl+C or SIGTERM.
/// </summary>
internal static class EmulatorCommand
{
    private const int DefaultPort = 4567;

    public static Command Create()
    {
        var port = new Option<int>("--port")
        {
            Description = "The port; 0 takes a free one.",
            DefaultValueFactory = static _ => DefaultPort,
            CustomParser = EmulatorArguments.Port,
        };
        var bind = new Option<IPAddress>("--bind")
        {
            Description = "The address to listen on. 0.0.0.0 lets other machines and containers connect, who may do everything then.",
            HelpName = "address",
            DefaultValueFactory = static _ => IPAddress.Loopback,
            CustomParser = EmulatorArguments.Bind,
        };
        var streams = new Option<StreamToCreate[]>("--stream")
        {
            Description = "Creates a stream, with one shard or as many as follow the name: --stream orders:4. May be repeated.",
            HelpName = "name[:shards]",
            CustomParser = EmulatorArguments.Streams,
            Arity = ArgumentArity.OneOrMore,
        };
        var config = new Option<string?>("--config")
        {
            Description = "Creates the streams of a file in JSON, with their settings, tags and consumers.",
            HelpName = "file",
        };
        var tls = new Option<bool>("--tls")
        {
            Description = "Takes TLS, with a certificate that is made for this run unless --tls-cert names one, and nothing without TLS.",
        };
        var tlsExport = new Option<string?>("--tls-export")
        {
            Description = "Writes the certificate (PEM, without its key) to a file, for clients to trust.",
            HelpName = "file",
        };
        var tlsCert = new Option<string?>("--tls-cert") { Description = "Takes TLS, with a certificate of a PEM file.", HelpName = "file" };
        var tlsKey = new Option<string?>("--tls-key") { Description = "The key of that certificate, a PEM file.", HelpName = "file" };
        var data = new Option<string?>("--data")
        {
            Description = "Keeps streams, records, consumers and settings in a folder: what was acknowledged is there at the next start.",
            HelpName = "folder",
        };
        var noQuotas = new Option<bool>("--no-quotas")
        {
            Description = "Switches the quotas of shards off: 5 reads and 2 MiB read, 1,000 records and 1 MiB written a second.",
        };
        var accountId = new Option<string>("--account-id")
        {
            Description = "The account in ARNs, 12 digits.",
            DefaultValueFactory = static _ => new EmbeddedKinesisOptions().AccountId,
            CustomParser = EmulatorArguments.AccountId,
        };
        var region = new Option<string>("--region")
        {
            Description = "The region in ARNs.",
            DefaultValueFactory = static _ => new EmbeddedKinesisOptions().Region,
            CustomParser = EmulatorArguments.Region,
        };
        var json = new Option<bool>("--json") { Description = "Prints one line of JSON instead of text." };

        var command = new Command("emulator", "Runs a local Kinesis, in memory or on a folder, until Ctrl+C or SIGTERM.")
        {
            port,
            bind,
            streams,
            config,
            tls,
            tlsExport,
            tlsCert,
            tlsKey,
            data,
            noQuotas,
            accountId,
            region,
            json,
        };
        command.Validators.Add(result =>
        {
            var files = new TlsFiles(result.GetValue(tls), result.GetValue(tlsExport), result.GetValue(tlsCert), result.GetValue(tlsKey));
            if (files.Complaint is { } complaint)
            {
                result.AddError(complaint);
            }
        });
        command.SetAction((arguments, cancellationToken) =>
        {
            var settings = new EmulatorSettings
            {
                Bind = arguments.GetValue(bind)!,
                Port = arguments.GetValue(port),
                AccountId = arguments.GetValue(accountId)!,
                Region = arguments.GetValue(region)!,
                Quotas = !arguments.GetValue(noQuotas),
                Streams = arguments.GetValue(streams) ?? [],
                ConfigPath = arguments.GetValue(config),
                Tls = new TlsFiles(
                    arguments.GetValue(tls), arguments.GetValue(tlsExport), arguments.GetValue(tlsCert), arguments.GetValue(tlsKey)),
                DataFolder = arguments.GetValue(data),
                Json = arguments.GetValue(json),
            };
            return new EmulatorRun(settings, arguments.InvocationConfiguration).RunAsync(cancellationToken);
        });
        return command;
    }
}
