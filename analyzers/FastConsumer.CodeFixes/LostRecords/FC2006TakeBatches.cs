using System.Collections.Immutable;
using System.Composition;
using FastConsumer.Analyzers;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Editing;
using Microsoft.CodeAnalysis.Formatting;

namespace FastConsumer.CodeFixes.LostRecords;

/// <summary>
/// FC2006, for one shape only: a handler that adds its payload to a list, returns where there are too few, works on the list and
/// clears it. It becomes a handler of batches of that size, whose list is its own.
/// </summary>
[ExportCodeFixProvider(LanguageNames.CSharp)]
[Shared]
public sealed class FC2006TakeBatches : FastConsumerFix
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = [RuleNumbers.BufferedRecord];

    /// <inheritdoc/>
    private protected override IEnumerable<string> Titles(FixPlace place) => Shape.Find(place) is null ? [] : ["Take batches"];

    /// <inheritdoc/>
    private protected override void Edit(DocumentEditor editor, FixPlace place, string key)
    {
        Shape shape = Shape.Find(place)!;
        string local = shape.Field.TrimStart('_');
        StatementSyntax list = SyntaxFactory.ParseStatement($"var {local} = new {shape.ListType}(batch.ToArray());")
            .WithLeadingTrivia(shape.Statements[0].GetLeadingTrivia())
            .WithTrailingTrivia(LineEnds.Of(shape.Method))
            .WithAdditionalAnnotations(Formatter.Annotation);
        IEnumerable<StatementSyntax> work = shape.Statements.Skip(2).Take(shape.Statements.Count - 3)
            .Select(statement => statement.ReplaceNodes(
                statement.DescendantNodes().OfType<IdentifierNameSyntax>().Where(name => name.Identifier.ValueText == shape.Field),
                (_, name) => name.WithIdentifier(SyntaxFactory.Identifier(local).WithTriviaFrom(name.Identifier))));
        MethodDeclarationSyntax changed = shape.Method
            .ReplaceNode(shape.Attribute, SyntaxFactory.ParseCompilationUnit($"[OnBatch(MaxRecords = {shape.Count})] class C {{ }}")
                .DescendantNodes().OfType<AttributeSyntax>().First().WithTriviaFrom(shape.Attribute));
        ParameterSyntax parameter = changed.ParameterList.Parameters[shape.Parameter];
        changed = changed
            .WithParameterList(changed.ParameterList.ReplaceNode(
                parameter,
                SyntaxFactory.Parameter(SyntaxFactory.Identifier("batch"))
                    .WithType(SyntaxFactory.ParseTypeName($"ReadOnlyMemory<{parameter.Type!.WithoutTrivia()}>")
                        .WithTrailingTrivia(SyntaxFactory.Space))
                    .WithTriviaFrom(parameter)))
            .WithBody(shape.Method.Body!.WithStatements(SyntaxFactory.List([list, .. work])));
        editor.ReplaceNode(shape.Method, changed.WithAdditionalAnnotations(Formatter.Annotation));
        editor.RemoveNode(shape.Declaration, SyntaxRemoveOptions.KeepNoTrivia);
    }

    /// <summary>The parts of such a handler.</summary>
    private sealed record Shape(
        MethodDeclarationSyntax Method,
        AttributeSyntax Attribute,
        SyntaxList<StatementSyntax> Statements,
        FieldDeclarationSyntax Declaration,
        string Field,
        string ListType,
        string Count,
        int Parameter)
    {
        public static Shape? Find(FixPlace place)
        {
            if (place.Node.FirstAncestorOrSelf<MethodDeclarationSyntax>() is not { Body.Statements: { Count: > 3 } statements } method
                || place.Node.FirstAncestorOrSelf<StatementSyntax>() != statements[0]
                || place.Model.GetDeclaredSymbol(method, place.CancellationToken) is not { } handler
                || handler.FindAttribute("OnRecordAttribute") is not { ApplicationSyntaxReference: { } reference } attribute
                || attribute.NamedArguments.Length > 0
                || handler.GetAttributes().Length != 1
                || handler.ContainingType.FindAttribute("ConcurrencyAttribute") is not null
                || handler.ContainingType.GetMembers().Any(member => !SymbolEqualityComparer.Default.Equals(member, handler)
                    && (member.FindAttribute("OnRecordAttribute") ?? member.FindAttribute("FilterAttribute")
                        ?? member.FindAttribute("OnErrorAttribute")) is not null))
            {
                return null;
            }

            // the payload, added as it is, and used for nothing else; a record is a view, and its context knows no batch
            if (statements[0] is not ExpressionStatementSyntax
                {
                    Expression: InvocationExpressionSyntax
                    {
                        Expression: MemberAccessExpressionSyntax
                        {
                            Name.Identifier.ValueText: "Add",
                            Expression: IdentifierNameSyntax field
                        },
                        ArgumentList.Arguments: { Count: 1 } arguments,
                    },
                }
                || arguments[0].Expression is not IdentifierNameSyntax added
                || handler.Parameters.FirstOrDefault(candidate => candidate.Name == added.Identifier.ValueText) is not { } payload
                || payload.Type.Name is "KinesisRecord" or "ReadOnlyMemory"
                || payload.Type.IsRefLikeType
                || handler.Parameters.Any(candidate => candidate.Type.IsContract("RecordContext") || candidate.Name == "batch")
                || method.Body.DescendantNodes().OfType<IdentifierNameSyntax>().Count(name => name.Identifier.ValueText == payload.Name)
                    != 1)
            {
                return null;
            }

            return FindList(place, method, reference.GetSyntax(place.CancellationToken), statements, field, payload.Ordinal);
        }

        private static Shape? FindList(
            FixPlace place,
            MethodDeclarationSyntax method,
            SyntaxNode attribute,
            SyntaxList<StatementSyntax> statements,
            IdentifierNameSyntax field,
            int parameter)
        {
            string name = field.Identifier.ValueText;
            if (place.Model.GetSymbolInfo(field, place.CancellationToken).Symbol is not IFieldSymbol
                {
                    DeclaredAccessibility: Accessibility.Private,
                    Type: INamedTypeSymbol { Name: "List", Arity: 1 } type
                } symbol
                || symbol.DeclaringSyntaxReferences.Length != 1
                || symbol.DeclaringSyntaxReferences[0].GetSyntax(place.CancellationToken) is not VariableDeclaratorSyntax
                {
                    Parent: VariableDeclarationSyntax { Variables.Count: 1, Parent: FieldDeclarationSyntax declaration }
                }
                || declaration.SyntaxTree != method.SyntaxTree
                || symbol.ContainingType.DeclaringSyntaxReferences.Any(part => part.SyntaxTree != method.SyntaxTree)
                || name.TrimStart('_') is not { Length: > 0 } local || local == name
                || statements[1] is not IfStatementSyntax
                {
                    Else: null,
                    Condition: BinaryExpressionSyntax { RawKind: (int)SyntaxKind.LessThanExpression } test,
                    Statement: { } then
                }
                || test.Left.ToString() != $"{name}.Count"
                || place.Model.GetConstantValue(test.Right, place.CancellationToken) is not { HasValue: true, Value: int and > 0 }
                || !IsReturn(then)
                || statements.Last().WithoutTrivia().ToString() != $"{name}.Clear();"
                || method.DescendantNodes().Any(node => node is ReturnStatementSyntax && !then.Span.Contains(node.Span))
                || place.Model.LookupSymbols(method.Body!.CloseBraceToken.SpanStart - 1, name: local).Any())
            {
                return null;
            }

            int uses = method.SyntaxTree.GetRoot(place.CancellationToken).DescendantNodes().OfType<IdentifierNameSyntax>()
                .Count(use => use.Identifier.ValueText == name);
            int own = method.DescendantNodes().OfType<IdentifierNameSyntax>().Count(use => use.Identifier.ValueText == name);
            return uses == own
                ? new Shape(
                    method, (AttributeSyntax)attribute, statements, declaration, name,
                    type.ToMinimalDisplayString(place.Model, method.SpanStart), test.Right.ToString(), parameter)
                : null;
        }

        private static bool IsReturn(StatementSyntax statement) => statement switch
        {
            ReturnStatementSyntax { Expression: null } => true,
            BlockSyntax { Statements: { Count: 1 } only } => IsReturn(only[0]),
            _ => false,
        };
    }
}
