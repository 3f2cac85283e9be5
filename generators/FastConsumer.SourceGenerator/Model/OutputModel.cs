namespace FastConsumer.SourceGenerator.Model;

/// <summary>An output.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Field">The field of the user's class that it is kept in.</param>
/// <param name="Type">The type of its values as code names it.</param>
internal sealed record OutputModel(string Name, string Field, string Type);
