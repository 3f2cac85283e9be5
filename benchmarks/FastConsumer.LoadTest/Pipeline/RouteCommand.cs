using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using FastConsumer.Processors;

namespace FastConsumer.LoadTest.Pipeline;

/// <summary>Finding a route in the bytes against parsing the object to find it.</summary>
internal static class RouteCommand
{
    private const int Times = 200;

    public static Command Create()
    {
        var rounds = new Option<int>("--rounds") { Description = "How often each has its turn.", DefaultValueFactory = static _ => 41 };
        var command = new Command(
            "routes", "Routing by a JSON property against a JsonDocument made first, in turns, by CPU time; objects of 1 KiB.")
        {
            rounds
        };
        command.SetAction((arguments, _) =>
        {
            foreach ((string name, byte[] json) in RoutePayloads.All())
            {
                double[][] turns = Turns.Run(
                    arguments.GetValue(rounds), Times, () => Repeat(json, Find), () => Repeat(json, Parse), () => Repeat(json, Skip));
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{name,-36} {json.Length,5} B: in the bytes {Turns.Median(turns[0]),7:F1} ns, "
                        + $"JsonDocument {Turns.Median(turns[1]),7:F1} ns, a reader to the end {Turns.Median(turns[2]),7:F1} ns; "
                        + $"ratio {Turns.Median(turns[1].Zip(turns[0], static (parse, find) => parse / find)):F1}"));
            }

            return Task.FromResult(0);
        });
        return command;
    }

    private static void Repeat(byte[] json, Func<byte[], bool> choose)
    {
        int chosen = 0;
        for (int i = 0; i < Times; i++)
        {
            chosen += choose(json) ? 1 : 0;
        }

        if (chosen is not (0 or Times))
        {
            throw new InvalidOperationException("The route of one object is now this, now that.");
        }
    }

    /// <summary>As the generated code does.</summary>
    private static bool Find(byte[] json) => PayloadReader.FindRoute(json, "type"u8, out RouteText route) && route.Is("order.placed"u8);

    /// <summary>As a handler by hand often does.</summary>
    private static bool Parse(byte[] json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.TryGetProperty("type"u8, out JsonElement type)
            && type.ValueKind == JsonValueKind.String
            && type.ValueEquals("order.placed"u8);
    }

    /// <summary>What looking at every token costs.</summary>
    private static bool Skip(byte[] json)
    {
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
        {
        }

        return true;
    }
}
