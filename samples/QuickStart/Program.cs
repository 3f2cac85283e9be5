using QuickStart;
using var tally = new Tally();
tally.Noted += Console.WriteLine;
var run = new EmbeddedRun(tally);
await run.RunAsync(default);
Snapshot s = tally.Now;
Console.WriteLine($"{s.Records} {s.Distinct} {string.Join(",", s.ByType)} {s.Strong.Count} {s.Checkpoints}");
