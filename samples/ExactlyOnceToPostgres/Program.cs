using System.Globalization;
using System.Security.Cryptography;
using ExactlyOnceToPostgres;

if (args is ["worker", var kinesis, var dynamoDb, var postgres])
{
    await Worker.RunAsync(kinesis, dynamoDb, postgres);
    return 0;
}

bool isJson = args.Contains("--json");
int kills = Number("--kills", 4);
int seed = Number("--seed", RandomNumberGenerator.GetInt32(int.MaxValue));
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};

await using var run = new Run(kills, seed, text =>
{
    if (!isJson)
    {
        Console.WriteLine(text);
    }
});
Outcome outcome = await run.RunAsync(stop.Token);
if (isJson)
{
    Console.WriteLine(
        $$"""{"records":{{outcome.Records}},"rows":{{outcome.Rows}},"duplicates":{{outcome.Duplicates}},"""
            + $"\"missing\":{outcome.Missing},\"kills\":{outcome.Kills}}}");
}
else
{
    Console.WriteLine();
    Console.WriteLine("SELECT count(*), count(DISTINCT id) FROM quakes;");
    Console.WriteLine($" {outcome.Rows} | {outcome.Distinct}");
    Console.WriteLine($"{outcome.Records} events, {outcome.Kills} kills: {outcome.Duplicates} stored twice, {outcome.Missing} missing.");
}

return outcome is { Duplicates: 0, Missing: 0 } ? 0 : 1;

int Number(string option, int usual)
{
    int at = Array.IndexOf(args, option);
    return at >= 0 && at + 1 < args.Length ? int.Parse(args[at + 1], CultureInfo.InvariantCulture) : usual;
}
