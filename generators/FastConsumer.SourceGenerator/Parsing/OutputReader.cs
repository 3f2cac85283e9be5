using Microsoft.CodeAnalysis;

namespace FastConsumer.SourceGenerator.Parsing;

/// <summary>
/// The outputs of a processor: its properties with [Output]. Findings are those of <see cref="EffectProperties"/>, FC1002 for types, and
/// FC1003 for what does not go together.
/// </summary>
internal sealed class OutputReader(
    INamedTypeSymbol type, EffectProperties properties, ShapeProblems problems, CancellationToken cancellationToken)
{
    private readonly List<OutputShape> _outputs = [];

    // outputs and states may have the same name
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    /// <summary>The outputs that are in order.</summary>
    public IReadOnlyList<OutputShape> Outputs => _outputs;

    /// <summary>Whether a property has [Output], in order or not.</summary>
    public bool HasOutputs { get; private set; }

    public void Read()
    {
        foreach (IPropertySymbol property in type.GetMembers().OfType<IPropertySymbol>())
        {
            if (property.FindAttribute("OutputAttribute") is not { } attribute)
            {
                continue;
            }

            HasOutputs = true;
            if (property.FindAttribute("StateAttribute") is null)
            {
                ReadProperty(property, attribute);
            }
            else
            {
                problems.Add(
                    RuleIds.HandlerSet,
                    attribute.Place("(none)", cancellationToken),
                    $"'{property.Name}' is marked [State] and [Output], but state stays with the shard, and an output leaves it. Remove "
                        + "one of them.");
            }
        }
    }

    private void ReadProperty(IPropertySymbol property, AttributeData attribute)
    {
        bool inOrder = properties.Check(property, EffectProperties.Output);
        if (attribute.ConstructorArguments.Length != 1)
        {
            // the compiler reports the missing name
            return;
        }

        inOrder &= properties.CheckName(attribute, EffectProperties.Output, _names, out string name);
        if (ReadType(property) is { } valueType && inOrder)
        {
            _outputs.Add(new OutputShape(property, name, valueType));
        }
    }

    private ITypeSymbol? ReadType(IPropertySymbol property)
    {
        if ((property.Type.FindUnknown() ?? (property.Type.IsFileLocal() ? property.Type : null)) is { } unusable)
        {
            problems.UnknownType ??= unusable.Name;
            return null;
        }

        if (property.Type is INamedTypeSymbol { Arity: 1, NullableAnnotation: not NullableAnnotation.Annotated } named
            && named.IsContract("Output"))
        {
            return named.TypeArguments[0];
        }

        problems.Add(
            RuleIds.Handler,
            property.Place(),
            $"The output '{property.Name}' is of type {property.Type.InMessages()}. An output is an Output<T>, and never null. Change its "
                + "type.");
        return null;
    }
}
