using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace FastConsumer.Analyzers.Reach;

/// <summary>The bodies of a compilation's methods, bound when they are asked for and then kept.</summary>
internal sealed class MethodBodies(Compilation compilation)
{
    private static readonly ConditionalWeakTable<Compilation, MethodBodies> s_known = new();

    private readonly ConcurrentDictionary<SyntaxTree, SemanticModel> _models = new();
    private readonly ConcurrentDictionary<IMethodSymbol, IOperation?> _bodies = new(SymbolEqualityComparer.Default);

    public static MethodBodies Of(Compilation compilation) => s_known.GetValue(compilation, static key => new MethodBodies(key));

    public IOperation? Find(IMethodSymbol method, CancellationToken cancellationToken)
    {
        if (_bodies.TryGetValue(method, out IOperation? known))
        {
            return known;
        }

        IOperation? body = null;
        SyntaxNode? syntax = method.DeclaringSyntaxReferences.FirstOrDefault()?.GetSyntax(cancellationToken);
        // a primary constructor's node is its type's: it has no body
        if (syntax is not null and not TypeDeclarationSyntax && compilation.ContainsSyntaxTree(syntax.SyntaxTree))
        {
            body = Model(syntax.SyntaxTree).GetOperation(syntax, cancellationToken);
        }

        return _bodies.GetOrAdd(method, body);
    }

    /// <summary>The value that a field or property is declared with; null without one in this compilation.</summary>
    public IOperation? Initializer(ISymbol member, CancellationToken cancellationToken)
    {
        SyntaxNode? value = member.DeclaringSyntaxReferences.FirstOrDefault()?.GetSyntax(cancellationToken) switch
        {
            VariableDeclaratorSyntax { Initializer.Value: { } initial } => initial,
            PropertyDeclarationSyntax { Initializer.Value: { } initial } => initial,
            PropertyDeclarationSyntax { ExpressionBody.Expression: { } result } => result,
            _ => null,
        };
        return value is not null && compilation.ContainsSyntaxTree(value.SyntaxTree)
            ? Model(value.SyntaxTree).GetOperation(value, cancellationToken)
            : null;
    }

    private SemanticModel Model(SyntaxTree tree) => _models.GetOrAdd(
        tree,
        // a callee stands in another file than its caller, whose model does not reach it; each model is made once, for files that handlers
        // reach only
#pragma warning disable RS1030
        key => compilation.GetSemanticModel(key));
#pragma warning restore RS1030
}
