namespace FastConsumer.SourceGenerator.Emitting;

/// <summary>Hands out names, each only once: a taken one gets a number.</summary>
internal sealed class FreeNames(params string[] taken)
{
    private readonly HashSet<string> _taken = new(taken, StringComparer.Ordinal);

    public string Take(string name)
    {
        string free = name;
        for (int i = 2; !_taken.Add(free); i++)
        {
            free = $"{name}_{Literals.Number(i)}";
        }

        return free;
    }
}
