using Microsoft.CodeAnalysis;

namespace FastConsumer.SourceGenerator.Parsing;

/// <summary>A rule that a processor breaks.</summary>
/// <param name="rule">The rule's id.</param>
/// <param name="message">What is wrong, and the remedy.</param>
/// <param name="location">The place in the user's source.</param>
internal sealed class ShapeProblem(string rule, string message, Location location)
{
    public string Rule { get; } = rule;

    public string Message { get; } = message;

    public Location Location { get; } = location;

    /// <summary>
    /// False where working code can be generated all the same. The analyzer sees what other generators add to a type and
    /// this generator does not, so a finding about members of a type must not keep the code from being generated.
    /// </summary>
    public bool StopsGeneration { get; init; } = true;

    /// <summary>True where other processors have the same problem at the same place: an attribute of the assembly.</summary>
    public bool IsShared { get; init; }
}

/// <summary>Collects the problems of one class.</summary>
internal sealed class ShapeProblems
{
    private readonly List<ShapeProblem> _items = [];

    public IReadOnlyList<ShapeProblem> Items => _items;

    /// <summary>
    /// Set where a type does not exist, or is local to a file and cannot be in a signature: the compiler says so, and no rule of ours adds
    /// to it.
    /// </summary>
    public string? UnknownType { get; set; }

    /// <summary>Whether what is added now belongs to the assembly.</summary>
    public bool IsShared { get; set; }

    public void Add(string rule, Location? location, string message, bool stopsGeneration = true) =>
        _items.Add(new ShapeProblem(rule, message, location ?? Location.None) { StopsGeneration = stopsGeneration, IsShared = IsShared });
}
