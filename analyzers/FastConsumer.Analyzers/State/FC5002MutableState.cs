using System.Collections.Immutable;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;

namespace FastConsumer.Analyzers.State;

/// <summary>
/// FC5002: a state whose values can be changed behind its back. A checkpoint keeps the value that it was cut at, and a failed record leaves
/// the one before it; both are the same object where handlers change it in place. An output's values are written after the call.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC5002MutableState : FastConsumerAnalyzer
{
    // a type may nest itself for ever
    private const int MostTypes = 100;

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Descriptors.MutableState];

    /// <inheritdoc/>
    protected override void Register(CompilationStartAnalysisContext context) =>
        context.RegisterSymbolAction(Analyze, SymbolKind.NamedType);

    private static void Analyze(SymbolAnalysisContext context)
    {
        var type = (INamedTypeSymbol)context.Symbol;
        if (type.TypeKind != TypeKind.Class || type.FindAttribute("KinesisProcessorAttribute") is null)
        {
            return;
        }

        foreach (IPropertySymbol state in StateFacts.StatesOf(type))
        {
            Check(
                state,
                StateFacts.ValueType(state),
                "state",
                "Then a record that fails has changed it all the same, and so may a checkpoint that is being written. Make it immutable, "
                    + "such as a record or a readonly struct with immutable collections, and Set a new value.");
        }

        foreach (IPropertySymbol output in StateFacts.OutputsOf(type))
        {
            Check(
                output,
                StateFacts.OutputType(output),
                "output",
                "It is written after the call, with what has been changed in it by then. Make it immutable, such as a record or a readonly "
                    + "struct with immutable collections, and Add a new one for each record.");
        }

        void Check(IPropertySymbol property, ITypeSymbol? value, string kind, string consequence)
        {
            if (value is not null && Mutable(value, new HashSet<ITypeSymbol>(SymbolEqualityComparer.Default)) is { } reason)
            {
                var syntax = property.DeclaringSyntaxReferences.FirstOrDefault()?.GetSyntax(context.CancellationToken)
                    as BasePropertyDeclarationSyntax;
                context.ReportDiagnostic(Diagnostic.Create(
                    Descriptors.MutableState,
                    syntax?.Type.GetLocation() ?? property.Place(),
                    $"A value of the {kind} '{property.Name}' can be changed in place: {reason}. {consequence}"));
            }
        }
    }

    /// <summary>What can be changed without anybody knowing; null where nothing certain is found.</summary>
    private static string? Mutable(ITypeSymbol type, HashSet<ITypeSymbol> seen)
    {
        if (!seen.Add(type) || seen.Count > MostTypes)
        {
            return null;
        }

        if (type is IArrayTypeSymbol array)
        {
            return $"{array.InMessages()} is an array";
        }

        if (type is not INamedTypeSymbol named || type.TypeKind is not (TypeKind.Class or TypeKind.Struct or TypeKind.Interface))
        {
            return null;
        }

        if (named.OriginalDefinition.SpecialType == SpecialType.System_Nullable_T)
        {
            return Mutable(named.TypeArguments[0], seen);
        }

        if (JsonReader.IsOfTheFramework(named))
        {
            return IsMutableCollection(named) ? $"{named.InMessages()} is a mutable collection"
                : IsImmutable(named) ? named.TypeArguments.Select(argument => Mutable(argument, seen))
                    .FirstOrDefault(found => found is not null)
                : null;
        }

        for (INamedTypeSymbol? part = named; part is not null && !JsonReader.IsOfTheFramework(part); part = part.BaseType)
        {
            foreach (ISymbol member in part.GetMembers())
            {
                if (MutableMember(member, seen) is { } reason)
                {
                    return reason;
                }
            }
        }

        return null;
    }

    private static string? MutableMember(ISymbol member, HashSet<ITypeSymbol> seen)
    {
        if (member.IsStatic || (member.IsImplicitlyDeclared && member is not IPropertySymbol) || member.Name == "EqualityContract")
        {
            return null;
        }

        switch (member)
        {
            case IPropertySymbol { IsIndexer: false } property when property.ContainingType.IsReferenceType
                && property.SetMethod is { IsInitOnly: false, DeclaredAccessibility: not Accessibility.Private }:
                return $"'{property.ContainingType.Name}.{property.Name}' has a setter";
            // without a field behind it, a property makes its value anew
            case IPropertySymbol { IsIndexer: false, DeclaredAccessibility: not Accessibility.Private } property
                when property.ContainingType.GetMembers().OfType<IFieldSymbol>()
                    .Any(field => SymbolEqualityComparer.Default.Equals(field.AssociatedSymbol, property)):
                return Mutable(property.Type, seen);
            case IFieldSymbol { IsReadOnly: false, IsConst: false, DeclaredAccessibility: not Accessibility.Private } field
                when field.ContainingType.IsReferenceType:
                return $"the field '{field.ContainingType.Name}.{field.Name}' is not readonly";
            case IFieldSymbol { IsConst: false, DeclaredAccessibility: not Accessibility.Private } field:
                return Mutable(field.Type, seen);
            default:
                return null;
        }
    }

    private static bool IsMutableCollection(INamedTypeSymbol type) => type.TypeKind == TypeKind.Class
        ? (type.ContainingNamespace.IsNamed("System.Collections.Generic") && type.Name is "List" or "Dictionary" or "HashSet" or "Queue"
                or "Stack" or "LinkedList" or "SortedDictionary" or "SortedList" or "SortedSet" or "PriorityQueue" or "OrderedDictionary")
            || type.ContainingNamespace.IsNamed("System.Collections.Concurrent")
            || (type.ContainingNamespace.IsNamed("System.Collections.ObjectModel") && type.Name is "Collection" or "ObservableCollection")
            || type.Is("System.Text", "StringBuilder")
        : type.TypeKind == TypeKind.Interface && type.ContainingNamespace.IsNamed("System.Collections.Generic")
            && type.Name is "IList" or "IDictionary" or "ISet" or "ICollection";

    private static bool IsImmutable(INamedTypeSymbol type) =>
        type.ContainingNamespace.IsNamed("System.Collections.Immutable") || type.ContainingNamespace.IsNamed("System.Collections.Frozen")
        || type.IsTupleType;
}
