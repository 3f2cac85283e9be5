using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.Editing;

namespace FastConsumer.CodeFixes;

/// <summary>
/// The base of the fixes that stay inside one document: the same edit serves one finding and all of a document, project or solution.
/// </summary>
public abstract class FastConsumerFix : CodeFixProvider
{
    /// <inheritdoc/>
    public sealed override FixAllProvider GetFixAllProvider() => FixAllProvider.Create(
        (context, document, diagnostics) => EditAsync(
            document, diagnostics, context.CodeActionEquivalenceKey ?? "", context.CancellationToken));

    /// <inheritdoc/>
    public sealed override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        SyntaxNode? root = await context.Document.GetSyntaxRootAsync(context.CancellationToken).ConfigureAwait(false);
        SemanticModel? model = await context.Document.GetSemanticModelAsync(context.CancellationToken).ConfigureAwait(false);
        if (root is null || model is null)
        {
            return;
        }

        foreach (Diagnostic diagnostic in context.Diagnostics)
        {
            var place = new FixPlace(root, model, diagnostic, context.CancellationToken);
            foreach (string title in Titles(place))
            {
                context.RegisterCodeFix(
                    CodeAction.Create(title, token => EditAsync(context.Document, [diagnostic], title, token)!, equivalenceKey: Key(title)),
                    diagnostic);
            }
        }
    }

    /// <summary>What can be done about a finding; nothing where it is for its author alone.</summary>
    private protected abstract IEnumerable<string> Titles(FixPlace place);

    /// <summary>Does it.</summary>
    private protected abstract void Edit(DocumentEditor editor, FixPlace place, string key);

    /// <summary>The same for equal fixes of different findings, whose titles may name different things.</summary>
    private protected virtual string Key(string title) => title;

    private async Task<Document?> EditAsync(
        Document document, ImmutableArray<Diagnostic> diagnostics, string title, CancellationToken cancellationToken)
    {
        DocumentEditor editor = await DocumentEditor.CreateAsync(document, cancellationToken).ConfigureAwait(false);
        foreach (Diagnostic diagnostic in diagnostics)
        {
            var place = new FixPlace(editor.OriginalRoot, editor.SemanticModel, diagnostic, cancellationToken);
            // dotnet format asks without a key where the first finding has no fix: then each gets its first
            string? key = Titles(place).Select(Key).FirstOrDefault(offered => title.Length == 0 || offered == Key(title));
            if (key is not null)
            {
                Edit(editor, place, key);
            }
        }

        return editor.GetChangedDocument();
    }
}

/// <summary>A finding in its document.</summary>
internal sealed class FixPlace(SyntaxNode root, SemanticModel model, Diagnostic diagnostic, CancellationToken cancellationToken)
{
    public SemanticModel Model { get; } = model;

    public CancellationToken CancellationToken { get; } = cancellationToken;

    /// <summary>The innermost node that the finding covers.</summary>
    public SyntaxNode Node { get; } = root.FindNode(diagnostic.Location.SourceSpan, getInnermostNodeForTie: true);

    public string? Property(string name) => diagnostic.Properties.TryGetValue(name, out string? value) ? value : null;
}
