using FastConsumer.Analyzers.Reach;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Editing;
using Microsoft.CodeAnalysis.Simplification;

namespace FastConsumer.CodeFixes;

/// <summary>Edits that put an await into a method, which may have to become async for it.</summary>
internal static class AsyncEdits
{
    private static readonly string[] s_bound = ["OnRecord", "OnBatch", "OnShardStarted", "OnShardEnded", "OnLeaseLost", "OnStopping"];

    /// <summary>True where an await may stand at this place, at once or when its handler becomes async.</summary>
    public static bool CanAwait(FixPlace place)
    {
        SyntaxNode? function = Function(place.Node);
        if (place.Node.Ancestors().TakeWhile(node => node != function)
            .Any(node => node is LockStatementSyntax or UnsafeStatementSyntax or QueryExpressionSyntax or CatchFilterClauseSyntax))
        {
            return false;
        }

        return function switch
        {
            AnonymousFunctionExpressionSyntax lambda => lambda.AsyncKeyword != default,
            LocalFunctionStatementSyntax local => local.Modifiers.Any(SyntaxKind.AsyncKeyword),
            MethodDeclarationSyntax method => method.Modifiers.Any(SyntaxKind.AsyncKeyword) || CanBecomeAsync(method, place),
            _ => false,
        };
    }

    /// <summary>Makes the method around a node async, where it is not.</summary>
    public static void MakeAsync(DocumentEditor editor, SyntaxNode node)
    {
        if (Function(node) is MethodDeclarationSyntax method && !method.Modifiers.Any(SyntaxKind.AsyncKeyword))
        {
            editor.ReplaceNode(method, (current, generator) => ToAsync((MethodDeclarationSyntax)current));
        }
    }

    /// <summary><c>await</c> before an expression, in parentheses where what surrounds it binds closer.</summary>
    public static ExpressionSyntax Await(ExpressionSyntax task, SyntaxNode replaced)
    {
        ExpressionSyntax operand = task.WithoutTrivia();
        if (operand is ConditionalExpressionSyntax or BinaryExpressionSyntax or AssignmentExpressionSyntax)
        {
            operand = SyntaxFactory.ParenthesizedExpression(operand);
        }

        ExpressionSyntax result = SyntaxFactory.AwaitExpression(
            SyntaxFactory.Token(SyntaxKind.AwaitKeyword).WithTrailingTrivia(SyntaxFactory.Space), operand);
        if (replaced.Parent is MemberAccessExpressionSyntax or ElementAccessExpressionSyntax or ConditionalAccessExpressionSyntax
            or PostfixUnaryExpressionSyntax)
        {
            result = SyntaxFactory.ParenthesizedExpression(result);
        }

        return result.WithTriviaFrom(replaced);
    }

    /// <summary>The name of the nearest token among the parameters around a place; null without one.</summary>
    public static string? Token(FixPlace place)
    {
        for (SyntaxNode? node = place.Node; node is not null and not TypeDeclarationSyntax; node = node.Parent)
        {
            ISymbol? function = node switch
            {
                MethodDeclarationSyntax or LocalFunctionStatementSyntax => place.Model.GetDeclaredSymbol(node, place.CancellationToken),
                AnonymousFunctionExpressionSyntax => place.Model.GetSymbolInfo(node, place.CancellationToken).Symbol,
                _ => null,
            };
            if ((function as IMethodSymbol)?.Parameters.FirstOrDefault(
                parameter => parameter.Type.IsCancellationToken()) is { Name: not "_" } token)
            {
                return token.Name;
            }
        }

        return null;
    }

    private static SyntaxNode? Function(SyntaxNode node) => node.Ancestors().FirstOrDefault(ancestor =>
        ancestor is AnonymousFunctionExpressionSyntax or LocalFunctionStatementSyntax or BaseMethodDeclarationSyntax
            or AccessorDeclarationSyntax);

    // nobody but the generated code calls a handler, so its return type may change
    private static bool CanBecomeAsync(MethodDeclarationSyntax method, FixPlace place) =>
        place.Model.GetDeclaredSymbol(method, place.CancellationToken) is { ReturnsVoid: true } symbol
        && !symbol.IsVirtual && !symbol.IsOverride && symbol.PartialDefinitionPart is null
        && !ImplementsInterface(symbol)
        && !IsUsedElsewhere(symbol, method, place)
        && symbol.GetAttributes().Any(attribute => s_bound.Any(name => attribute.AttributeClass?.Name == name + "Attribute"))
        && symbol.Parameters.All(parameter => parameter.RefKind == RefKind.None && !parameter.Type.IsRefLikeType)
        && !method.DescendantNodes().OfType<VariableDeclarationSyntax>()
            .Any(local => place.Model.GetTypeInfo(local.Type, place.CancellationToken).Type is { IsRefLikeType: true });

    // an interface asks for the return type
    private static bool ImplementsInterface(IMethodSymbol method) =>
        method.ExplicitInterfaceImplementations.Length > 0
        || method.ContainingType.AllInterfaces.SelectMany(part => part.GetMembers(method.Name)).Any(member =>
            SymbolEqualityComparer.Default.Equals(method.ContainingType.FindImplementationForInterfaceMember(member), method));

    /// <summary>True where the file calls the method, which would then not wait for it, or hands it on as a delegate.</summary>
    private static bool IsUsedElsewhere(IMethodSymbol symbol, MethodDeclarationSyntax method, FixPlace place) =>
        method.SyntaxTree.GetRoot(place.CancellationToken).DescendantNodes().OfType<SimpleNameSyntax>().Any(name =>
            name.Identifier.ValueText == symbol.Name
            && SymbolEqualityComparer.Default.Equals(
                place.Model.GetSymbolInfo(name, place.CancellationToken).Symbol?.OriginalDefinition, symbol.OriginalDefinition));

    private static MethodDeclarationSyntax ToAsync(MethodDeclarationSyntax method)
    {
        if (method.Modifiers.Any(SyntaxKind.AsyncKeyword))
        {
            return method;
        }

        TypeSyntax task = SyntaxFactory.ParseTypeName("global::System.Threading.Tasks.Task")
            .WithAdditionalAnnotations(Simplifier.Annotation)
            .WithTrailingTrivia(method.ReturnType.GetTrailingTrivia());
        SyntaxToken async = SyntaxFactory.Token(SyntaxKind.AsyncKeyword).WithTrailingTrivia(SyntaxFactory.Space);
        return method.Modifiers.Count == 0
            ? method.WithModifiers(SyntaxFactory.TokenList(async.WithLeadingTrivia(method.ReturnType.GetLeadingTrivia())))
                .WithReturnType(task)
            : method.WithModifiers(method.Modifiers.Add(async)).WithReturnType(task);
    }
}
