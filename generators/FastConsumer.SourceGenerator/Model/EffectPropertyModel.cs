namespace FastConsumer.SourceGenerator.Model;

/// <summary>
/// A property with [State] or [Output], as far as its implementing part has to be written: also where the class breaks a rule.
/// </summary>
/// <param name="Modifiers">The modifiers of the user's part, which the other one repeats.</param>
/// <param name="Type">The property's type as code names it.</param>
/// <param name="Name">The property's name as code writes it.</param>
/// <param name="HasGetter">True where it has a getter, as it should.</param>
/// <param name="Setter">The setter's keyword; null without one, as it should be.</param>
/// <param name="Field">The name of the field behind it, free in the user's class.</param>
internal sealed record EffectPropertyModel(string Modifiers, string Type, string Name, bool HasGetter, string? Setter, string Field);
