using System.Diagnostics;
using System.Globalization;

namespace FastConsumer.Model;

/// <summary>
/// dotnet run -c Release [-p:Size=One|Big] -- [planted|clean|limits|walks] [part of a name, * for all] [states or walks for each]
/// </summary>
internal static class Program
{
    private const int ManyStates = 30_000_000;
    private const int ManyWalks = 20_000;
    private const int StepsOfAWalk = 400;

    public static int Main(string[] arguments)
    {
        string mode = arguments.ElementAtOrDefault(0) ?? "planted";
        string part = arguments.ElementAtOrDefault(1) is string given and not "*" ? given : "";
        int? bound = arguments.ElementAtOrDefault(2) is string number ? int.Parse(number, CultureInfo.InvariantCulture) : null;
        int wrong = 0;
        switch (mode)
        {
            case "planted":
                foreach ((Config config, string invariant) in Planted.All.Where(pair => Fits(pair.Config, $"{pair.Config.Mistake}", part)))
                {
                    bool isFound = Search(config, $"{config.Mistake} ({config.Name})", bound, part.Length > 0)?.StartsWith(invariant,
                        StringComparison.Ordinal) == true;
                    wrong += Judge(isFound, $"must break {invariant}");
                }

                break;
            case "clean":
                foreach (Config config in Clean.All.Where(config => Fits(config, config.Name, part)))
                {
                    wrong += Judge(Search(config, config.Name, bound, withTrace: true) is null, "must find nothing");
                }

                break;
            case "limits":
                foreach (Config config in Limits.All.Where(config => Fits(config, config.Name, part)))
                {
                    wrong += Judge(Search(config, config.Name, bound, withTrace: true) is not null, "is a limit");
                }

                break;
            case "walks":
                foreach (Config config in Limits.Large().Where(config => Fits(config, config.Name, part)))
                {
                    wrong += Judge(Walk(config, bound ?? ManyWalks) is null, "must find nothing");
                }

                break;
            default:
                Console.WriteLine("planted, clean, limits or walks");
                return 2;
        }

        Console.WriteLine(wrong == 0 ? "all as expected" : $"{wrong} not as expected");
        return wrong == 0 ? 0 : 1;
    }

    private static bool Fits(Config config, string name, string part)
    {
        if (!name.Contains(part, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        bool fits = config.Shards <= Bounds.Shards && config.Workers <= Bounds.Workers;
        if (!fits)
        {
            Console.WriteLine($"{name}: needs another size (-p:Size)");
        }

        return fits;
    }

    private static int Judge(bool isExpected, string expectation)
    {
        if (!isExpected)
        {
            Console.WriteLine($"  NOT AS EXPECTED: {expectation}");
        }

        return isExpected ? 0 : 1;
    }

    private static string? Search(Config config, string name, int? bound, bool withTrace)
    {
        var clock = Stopwatch.StartNew();
        BreadthFirst search = new(config, bound ?? ManyStates);
        search.Run();
        string end = search.Found ?? (search.IsComplete ? "nothing, complete" : "nothing, cut off");
        Console.WriteLine($"{name}: {end} ({search.States:n0} states, depth {search.Depth}, {search.Bytes >> 20:n0} MB, "
            + $"{clock.Elapsed.TotalSeconds:f1} s)");
        Print(withTrace ? search.Trace : []);
        return search.Found;
    }

    private static string? Walk(Config config, int walks)
    {
        RandomWalk walk = new(config, seed: 1, StepsOfAWalk);
        walk.Run(walks);
        Console.WriteLine($"{config.Name}: {walk.Found ?? "nothing"} ({walk.Steps:n0} steps)");
        Print(walk.Trace);
        return walk.Found;
    }

    private static void Print(IReadOnlyList<string> trace)
    {
        for (int i = 0; i < trace.Count; i++)
        {
            Console.WriteLine($"  {i + 1,2}. {trace[i]}");
        }
    }
}
