using System.CommandLine;
using System.Runtime.InteropServices;
using QuickStart;
using Spectre.Console;

// Before anything else: System.CommandLine listens for signals only once the command has begun to run.
using var stop = new CancellationTokenSource();
using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

var json = new Option<bool>("--json") { Description = "End with one line of JSON." };
var stream = new Option<string?>("--stream")
{
    Description = "Consume this stream (name or ARN) on AWS, or on AWS_ENDPOINT_URL_KINESIS, until Ctrl+C.",
};
var application = new Option<string>("--application")
{
    Description = "The application's name with --stream, and so the name of its lease table.",
    DefaultValueFactory = static _ => "fastconsumer-quickstart",
};
var leases = new Option<LeasePlace>("--leases")
{
    Description = "Where leases and checkpoints are kept with --stream: on DynamoDB (or on AWS_ENDPOINT_URL_DYNAMODB), or in this process's memory.",
    DefaultValueFactory = static _ => LeasePlace.DynamoDb,
};
var command = new RootCommand("Consumes seismic events with FastConsumer: from an embedded Kinesis, or from a stream of yours.")
{
    json,
    stream,
    application,
    leases,
};
command.SetAction(async (arguments, cancellationToken) =>
{
    using var tally = new Tally();
    bool asJson = arguments.GetValue(json);
    bool live = !asJson && !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Interactive;
    string? streamName = arguments.GetValue(stream);
    IRun run = streamName is null
        ? new EmbeddedRun(tally)
        : new StreamRun(tally, streamName, arguments.GetValue(application)!, arguments.GetValue(leases));
    try
    {
        if (live)
        {
            await LiveView.ShowAsync(run, tally, cancellationToken);
        }
        else
        {
            await PlainView.ShowAsync(run, tally, cancellationToken);
        }
    }
    catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
    {
        // Ctrl+C: what there was until then is summed up
    }
    catch (Exception e)
    {
        await Console.Error.WriteLineAsync($"QuickStart failed: {e.Message}");
        return 1;
    }

    Summary.Print(run, tally.Now, asJson);
    return run.IsComplete(tally.Now) ? 0 : 1;
});
return await command.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null }, stop.Token);

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}
