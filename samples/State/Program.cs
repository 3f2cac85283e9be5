using System.Globalization;
using System.Security.Cryptography;
using StateSample;

if (args is ["worker", var kinesis, var dynamoDb, var state])
{
    await Worker.RunAsync(new Servers(kinesis, dynamoDb, state));
    return 0;
}

bool isJson = args.Contains("--json");
var settings = new RunSettings(
    Number("--kills", 4), Number("--seed", RandomNumberGenerator.GetInt32(int.MaxValue)), IsLocal: args.Contains("--local"));
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};

await using var run = new Run(settings, text =>
{
    if (!isJson)
    {
        Console.WriteLine(text);
    }
});
Outcome outcome = await run.RunAsync(stop.Token);
string matches = outcome.Matches ? "true" : "false";
if (isJson)
{
    Console.WriteLine($$"""
        {"records":{{outcome.Totals.Records}},"totalsMatch":{{matches}},"restarts":{{outcome.Restarts}},"splits":1,"merges":1}
        """);
}
else
{
    Console.WriteLine();
    foreach ((int magnitude, int count) in outcome.Totals.Magnitudes)
    {
        Console.WriteLine($"magnitude {magnitude}: {count} events");
    }

    Console.WriteLine(
        $"{outcome.Totals.Records} events, {outcome.Restarts} kills, 1 split, 1 merge: "
            + (outcome.Matches ? "the state says what a plain loop over the file says." : "THE STATE DIFFERS FROM A PLAIN LOOP."));
}

return outcome.Matches ? 0 : 1;

int Number(string option, int usual)
{
    int at = Array.IndexOf(args, option);
    return at >= 0 && at + 1 < args.Length ? int.Parse(args[at + 1], CultureInfo.InvariantCulture) : usual;
}
