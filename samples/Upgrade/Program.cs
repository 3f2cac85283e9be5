using UpgradeSample;

bool isJson = args.Contains("--json");
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};

await using Run run = await Run.StartAsync(
    text =>
    {
        if (!isJson)
        {
            Console.WriteLine(text);
        }
    },
    stop.Token);
Outcome outcome = await run.RunAsync(stop.Token);
string matches = outcome.Matches ? "true" : "false";
Console.WriteLine(isJson
    ? $$"""{"events":{{outcome.Events}},"regions":{{outcome.Regions}},"totalsMatch":{{matches}}}"""
    : $"{outcome.Events} events of {outcome.Regions} regions: "
        + (outcome.Matches ? "each version's state says what a plain loop over the file says." : "THE STATE DIFFERS FROM A PLAIN LOOP."));
return outcome.Matches ? 0 : 1;
