using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace FastConsumer.SourceGenerator.Parsing;

/// <summary>
/// What properties with [State] and with [Output] have in common: they are partial, the generator writes the other part, and they have a
/// name. Findings are FC1001 where a part is missing or too old a language is used, FC1002 for declarations, FC1003 and FC4001 for names.
/// </summary>
internal sealed class EffectProperties(INamedTypeSymbol type, ShapeProblems problems, CancellationToken cancellationToken)
{
    public const string State = "state";
    public const string Output = "output";

    /// <summary>The folder of files that the generator adds to a compilation.</summary>
    private const string GeneratedFolder = "FastConsumer.SourceGenerator.ProcessorGenerator";

    private static readonly Regex s_name = new(@"\A[A-Za-z0-9_.-]{1,64}\z", RegexOptions.CultureInvariant);

    private readonly List<IPropertySymbol> _all = [];

    /// <summary>All properties whose implementing part the generator can write.</summary>
    public IReadOnlyList<IPropertySymbol> All => _all;

    /// <summary>Checks how a property is declared. True where it is in order.</summary>
    public bool Check(IPropertySymbol property, string kind)
    {
        var syntax = property.DeclaringSyntaxReferences.FirstOrDefault()?.GetSyntax(cancellationToken) as BasePropertyDeclarationSyntax;
        if (syntax?.SyntaxTree.Options is CSharpParseOptions { LanguageVersion: < LanguageVersion.CSharp13 } options)
        {
            problems.Add(
                RuleIds.Type,
                property.Place(),
                $"The {kind} '{property.Name}' is compiled as C# {options.LanguageVersion.ToDisplayString()}, but it is a partial "
                    + "property, which C# 13 brought. Set LangVersion to 13 or higher, or leave it out.");
            return false;
        }

        if (!property.IsPartialDefinition)
        {
            problems.Add(
                RuleIds.Type,
                property.Place(),
                $"'{property.Name}' is {WithArticle(kind)}, so it must be partial, with a getter and no body: the generator writes the "
                    + $"other part. Write it as 'partial {property.Type.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat)} "
                    + $"{property.Name} {{ get; }}'.");
            return false;
        }

        string? problem = null;
        if (property.PartialImplementationPart is { } part && !IsGenerated(part))
        {
            problem = $"'{property.Name}' has both parts already, but the generator writes the implementing one. Remove that part";
        }
        else
        {
            _all.Add(property);
            problem = property switch
            {
                { IsIndexer: true } =>
                    $"'{property.InMessages()}' is an indexer; {WithArticle(kind)} is a property without parameters. Make it one",
                { IsStatic: true } => $"The {kind} '{property.Name}' is static, but each shard has its own. Remove 'static'",
                { SetMethod: not null } =>
                    $"The {kind} '{property.Name}' has a setter, but the generated code alone sets it. Write '{{ get; }}'",
                { GetMethod: null } => $"The {kind} '{property.Name}' has no getter. Write '{{ get; }}'",
                { ReturnsByRef: true } or { ReturnsByRefReadonly: true } =>
                    $"The {kind} '{property.Name}' is returned by reference. Remove 'ref'",
                _ when syntax is PropertyDeclarationSyntax { Initializer: not null } =>
                    $"The {kind} '{property.Name}' has an initializer, but the generated code sets it. Remove it",
                _ => null,
            };
        }

        if (problem is not null)
        {
            problems.Add(RuleIds.Handler, property.Place(), problem + ".");
        }

        return problem is null;
    }

    /// <summary>Checks the name that an attribute gives. True where it is in order.</summary>
    /// <param name="attribute">The attribute; the name is its argument.</param>
    /// <param name="kind">What the attribute makes of its property.</param>
    /// <param name="names">The names of that kind so far; the name is added.</param>
    /// <param name="name">The name, in order or not.</param>
    public bool CheckName(AttributeData attribute, string kind, HashSet<string> names, out string name)
    {
        name = attribute.FirstValue() as string ?? "";
        (string Rule, string Message)? problem = null;
        if (!s_name.IsMatch(name))
        {
            problem = (
                RuleIds.Value,
                $"'{name}' is no name of {WithArticle(kind)}: 1 to 64 letters, digits, '_', '.' and '-' of ASCII. Correct it.");
        }
        else if (!names.Add(name))
        {
            problem = (
                RuleIds.HandlerSet, $"The {kind} '{name}' is declared twice in '{type.Name}'. Give each {kind} a name of its own.");
        }

        if (problem is { } found)
        {
            problems.Add(found.Rule, attribute.Place(SymbolNames.FirstArgument, cancellationToken), found.Message);
        }

        return problem is null;
    }

    private static string WithArticle(string kind) => kind == Output ? "an output" : "a state";

    private static bool IsGenerated(IPropertySymbol part) => part.DeclaringSyntaxReferences.All(
        reference => reference.SyntaxTree.FilePath.IndexOf(GeneratedFolder, StringComparison.Ordinal) >= 0);
}
