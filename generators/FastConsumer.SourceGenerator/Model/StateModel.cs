namespace FastConsumer.SourceGenerator.Model;

/// <summary>What a state holds for each partition key.</summary>
internal enum StateKind
{
    Value,
    Map,
    List,
}

/// <summary>A state.</summary>
/// <param name="Name">Its name in checkpoints.</param>
/// <param name="Kind">What it holds for each partition key.</param>
/// <param name="Field">The field of the user's class that it is kept in.</param>
/// <param name="SubKey">The type of a map's keys as code names it; null for others.</param>
/// <param name="Type">The type of its values as code names it.</param>
/// <param name="Ttl">How long a value stays after its last write; null for ever.</param>
/// <param name="Serializer">The user's serializer as code names it; null for JSON.</param>
internal sealed record StateModel(
    string Name, StateKind Kind, string Field, string? SubKey, string Type, TimeSpan? Ttl, string? Serializer)
{
    /// <summary>The method that unites two values of one key; null without one.</summary>
    public StateMergeModel? Merge { get; init; }

    /// <summary>How values of older versions are read, by version.</summary>
    public EquatableArray<StateMigrationModel> Migrations { get; init; }
}

/// <summary>A method that unites two values.</summary>
/// <param name="Method">Its name as code writes it.</param>
/// <param name="HasNullForNone">True where it is given null for values that did not begin with one.</param>
internal sealed record StateMergeModel(string Method, bool HasNullForNone);

/// <summary>How values of one older version are read.</summary>
/// <param name="From">The last version it reads.</param>
/// <param name="Type">The older type as code names it.</param>
/// <param name="Serializer">The user's serializer of the older type as code names it; null for JSON.</param>
/// <param name="Methods">The methods that the value passes through, in order, as code writes them.</param>
internal sealed record StateMigrationModel(int From, string Type, string? Serializer, EquatableArray<string> Methods);
