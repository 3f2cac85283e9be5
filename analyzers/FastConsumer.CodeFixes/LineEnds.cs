using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace FastConsumer.CodeFixes;

/// <summary>Ends of lines as the file has them.</summary>
internal static class LineEnds
{
    public static SyntaxTrivia Of(SyntaxNode node)
    {
        SyntaxTrivia first = node.SyntaxTree.GetRoot().DescendantTrivia()
            .FirstOrDefault(trivia => trivia.IsKind(SyntaxKind.EndOfLineTrivia));
        return first.IsKind(SyntaxKind.EndOfLineTrivia) ? SyntaxFactory.EndOfLine(first.ToString()) : SyntaxFactory.EndOfLine("\n");
    }
}
