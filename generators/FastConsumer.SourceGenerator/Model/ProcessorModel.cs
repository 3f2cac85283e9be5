namespace FastConsumer.SourceGenerator.Model;

/// <summary>All that is known of one processor when its code is written: strings, numbers and enums, comparable by value.</summary>
/// <param name="HintName">The name of the generated file, without its ending.</param>
/// <param name="DisplayName">The class, for comments.</param>
/// <param name="Namespace">The namespace; null for the global one.</param>
/// <param name="ContainingTypes">The declarations of the types around the class, outermost first.</param>
/// <param name="Declaration">The declaration of the class itself.</param>
/// <param name="TypeName">The class as code names it from anywhere.</param>
/// <param name="Problem">The first broken rule; null for a class that is in order.</param>
/// <param name="Pipeline">What is generated; null for a class that breaks a rule.</param>
internal sealed record ProcessorModel(
    string HintName,
    string DisplayName,
    string? Namespace,
    EquatableArray<string> ContainingTypes,
    string Declaration,
    string TypeName,
    string? Problem,
    PipelineModel? Pipeline)
{
    /// <summary>The properties whose other part is written, also where the class breaks a rule.</summary>
    public EquatableArray<EffectPropertyModel> EffectProperties { get; init; }
}
