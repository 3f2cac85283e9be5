using System.Text.Json;
using Microsoft.Extensions.Hosting;

namespace DeadLetters;

/// <summary>Reads what <c>UseDeadLettersToFile</c> writes: a line of JSON for each letter.</summary>
internal static class DeadLetterFile
{
    public static IReadOnlyList<string> Read(string path)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        // the sink still writes
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    public static string Describe(string line)
    {
        JsonElement letter = JsonDocument.Parse(line).RootElement;
        return $"{letter.GetProperty("stream")} {letter.GetProperty("shardId")}, record {letter.GetProperty("sequenceNumber")}: "
            + $"{letter.GetProperty("exception")} after {letter.GetProperty("attempts")} attempt(s); payload "
            + $"{letter.GetProperty("data").GetBytesFromBase64().Length} bytes";
    }
}

/// <summary>Ends the program when every payment is paid or in the file.</summary>
internal sealed class EndOfRun(Bank bank, string path, int payments, IHostApplicationLifetime lifetime) : BackgroundService
{
    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromMilliseconds(50);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (bank.Paid + DeadLetterFile.Read(path).Count < payments)
        {
            await Task.Delay(s_betweenLooks, TimeProvider.System, stoppingToken);
        }

        lifetime.StopApplication();
    }
}
