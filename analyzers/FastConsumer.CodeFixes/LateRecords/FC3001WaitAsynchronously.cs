using System.Collections.Immutable;
using System.Composition;
using FastConsumer.Analyzers;
using FastConsumer.Analyzers.LateRecords;
using FastConsumer.Analyzers.Reach;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Editing;
using Microsoft.CodeAnalysis.Simplification;

namespace FastConsumer.CodeFixes.LateRecords;

/// <summary>FC3001: awaits instead of blocking.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp)]
[Shared]
public sealed class FC3001WaitAsynchronously : FastConsumerFix
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = [RuleNumbers.BlockingCall];

    /// <inheritdoc/>
    private protected override IEnumerable<string> Titles(FixPlace place) =>
        place.Property(FC3001BlockingCall.Way) is not null && place.Node is ExpressionSyntax && AsyncEdits.CanAwait(place)
        ? ["Await instead of blocking"]
        : [];

    /// <inheritdoc/>
    private protected override void Edit(DocumentEditor editor, FixPlace place, string key)
    {
        string way = place.Property(FC3001BlockingCall.Way)!;
        string? token = AsyncEdits.Token(place) is { } name && TokenForm(place, way) is { } form ? form + name : null;
        AsyncEdits.MakeAsync(editor, place.Node);
        editor.ReplaceNode(place.Node, (current, _) => AsyncEdits.Await(Task((ExpressionSyntax)current, way, token), current));
    }

    private static ExpressionSyntax Task(ExpressionSyntax blocking, string way, string? token)
    {
        if (way == FC3001BlockingCall.AwaitReceiver)
        {
            ExpressionSyntax task = Receiver(blocking);
            return blocking is InvocationExpressionSyntax
            {
                Expression: MemberAccessExpressionSyntax { Name.Identifier.ValueText: "GetResult" }
            } ? Receiver(task) : task;
        }

        var call = (InvocationExpressionSyntax)blocking;
        if (token is not null)
        {
            ArgumentSyntax argument = SyntaxFactory.ParseArgumentList($"({token})").Arguments[0];
            call = call.WithArgumentList(call.ArgumentList.Arguments.Count == 0
                ? call.ArgumentList.AddArguments(argument)
                : call.ArgumentList.AddArguments(argument.WithLeadingTrivia(SyntaxFactory.Space)));
        }

        if (way == FC3001BlockingCall.Delay)
        {
            return call.WithExpression(SyntaxFactory.ParseExpression("global::System.Threading.Tasks.Task.Delay")
                .WithAdditionalAnnotations(Simplifier.Annotation));
        }

        string Rename(string name) => way == FC3001BlockingCall.When ? "WhenAll" : name + "Async";
        return call.Expression switch
        {
            MemberAccessExpressionSyntax member => call.WithExpression(member.WithName(Renamed(member.Name, Rename))),
            SimpleNameSyntax name => call.WithExpression(Renamed(name, Rename)),
            _ => call,
        };
    }

    private static SimpleNameSyntax Renamed(SimpleNameSyntax name, Func<string, string> rename) =>
        name.WithIdentifier(SyntaxFactory.Identifier(rename(name.Identifier.ValueText)).WithTriviaFrom(name.Identifier));

    private static ExpressionSyntax Receiver(ExpressionSyntax expression) => expression switch
    {
        MemberAccessExpressionSyntax member => member.Expression,
        InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax member } => member.Expression,
        _ => expression,
    };

    /// <summary>What stands before the token in the new call, such as the parameter's name; null where it takes none, or has one.</summary>
    private static string? TokenForm(FixPlace place, string way)
    {
        if (way == FC3001BlockingCall.Delay)
        {
            return "";
        }

        if (way != FC3001BlockingCall.AsyncTwin
            || place.Node is not InvocationExpressionSyntax call
            || place.Model.GetSymbolInfo(call, place.CancellationToken).Symbol is not IMethodSymbol method
            || method.Parameters.Any(parameter => parameter.Type.IsCancellationToken()))
        {
            return null;
        }

        for (INamedTypeSymbol? type = method.ContainingType; type is not null; type = type.BaseType)
        {
            foreach (IMethodSymbol twin in type.GetMembers(method.Name + "Async").OfType<IMethodSymbol>())
            {
                bool fits = twin.Parameters.Length > method.Parameters.Length
                    && method.Parameters.All(
                        parameter => SymbolEqualityComparer.Default.Equals(parameter.Type, twin.Parameters[parameter.Ordinal].Type));
                if (fits && twin.Parameters.Skip(method.Parameters.Length)
                    .FirstOrDefault(parameter => parameter.Type.IsCancellationToken()) is { } token)
                {
                    return token.Ordinal == call.ArgumentList.Arguments.Count ? "" : $"{token.Name}: ";
                }
            }
        }

        return null;
    }
}
