using System.CommandLine;
using QuickStart;
using Spectre.Console;

var json = new Option<bool>("--json") { Description = "End with one line of JSON." };
var stream = new Option<string?>("--stream") { Description = "Consume this stream (name or ARN) on AWS, or on AWS_ENDPOINT_URL_KINESIS, until Ctrl+C; leases are kept on DynamoDB." };
var application = new Option<string>("--application") { Description = "The application, and so the lease table, of --stream.", DefaultValueFactory = static _ => "fastconsumer-quickstart" };
var command = new RootCommand("Consumes seismic events with FastConsumer: from an embedded Kinesis, or from a stream of yours.") { json, stream, application };
command.SetAction(async (arguments, cancellationToken) =>
{
    using var tally = new Tally();
    bool asJson = arguments.GetValue(json);
    bool live = !asJson && !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Interactive;
    string? streamName = arguments.GetValue(stream);
    IRun run = streamName is null ? new EmbeddedRun(tally) : new StreamRun(tally, streamName, arguments.GetValue(application)!);
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
// Without a time-out System.CommandLine leaves Ctrl+C alone; this one is longer than a worker's graceful stop.
return await command.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });
