using System.Collections.Immutable;
using System.Composition;
using FastConsumer.Analyzers;
using FastConsumer.Analyzers.State;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.Text;

namespace FastConsumer.CodeFixes.State;

/// <summary>FC5007: writes the line of a state to the baseline file.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp)]
[Shared]
public sealed class FC5007WriteBaseline : CodeFixProvider
{
    private const string Write = "Write the state to " + StateBaseline.FileName;
    private const string Accept = "Accept the changed shape in " + StateBaseline.FileName;

    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = [RuleNumbers.StateShape];

    /// <inheritdoc/>
    public override FixAllProvider GetFixAllProvider() => WriteAll.Instance;

    /// <inheritdoc/>
    public override Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        foreach (Diagnostic diagnostic in context.Diagnostics)
        {
            if (diagnostic.Properties.ContainsKey(FC5007StateShape.Line))
            {
                string title = Title(diagnostic);
                context.RegisterCodeFix(
                    CodeAction.Create(title, token => WriteAsync(context.Document.Project, [diagnostic], token), equivalenceKey: title),
                    diagnostic);
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>A change without a new version is accepted by those only who say so.</summary>
    private static string Title(Diagnostic diagnostic) =>
        diagnostic.Properties.ContainsKey(FC5007StateShape.IsChange) ? Accept : Write;

    private static async Task<Solution> WriteAsync(
        Project project, IEnumerable<Diagnostic> diagnostics, CancellationToken cancellationToken)
    {
        TextDocument? file = project.AdditionalDocuments.FirstOrDefault(
            document => StateBaseline.IsFile(document.FilePath ?? document.Name));
        if (file is null)
        {
            return project.Solution;
        }

        SourceText text = await file.GetTextAsync(cancellationToken).ConfigureAwait(false);
        string written = diagnostics.Aggregate(
            text.ToString(), (current, diagnostic) => StateBaseline.With(current, diagnostic.Properties[FC5007StateShape.Line]!));
        return project.Solution.WithAdditionalDocumentText(file.Id, SourceText.From(written, text.Encoding));
    }

    /// <summary>All findings of a document, a project or the solution, in one edit of each file.</summary>
    private sealed class WriteAll : FixAllProvider
    {
        public static readonly WriteAll Instance = new();

        public override async Task<CodeAction?> GetFixAsync(FixAllContext context)
        {
            Solution solution = context.Solution;
            bool found = false;
            foreach (Project project in context.Scope == FixAllScope.Solution ? context.Solution.Projects : [context.Project])
            {
                var diagnostics = new List<Diagnostic>();
                foreach (Document document in context.Scope == FixAllScope.Document && context.Document is { } only
                    ? [only]
                    : project.Documents)
                {
                    diagnostics.AddRange(await context.GetDocumentDiagnosticsAsync(document).ConfigureAwait(false));
                }

                Diagnostic[] own = [.. diagnostics.Where(diagnostic => diagnostic.Properties.ContainsKey(FC5007StateShape.Line)
                    && (context.CodeActionEquivalenceKey is not { } key || Title(diagnostic) == key))];
                if (own.Length > 0)
                {
                    found = true;
                    solution = await WriteAsync(solution.GetProject(project.Id)!, own, context.CancellationToken).ConfigureAwait(false);
                }
            }

            return found ? CodeAction.Create(Write, _ => Task.FromResult(solution), context.CodeActionEquivalenceKey) : null;
        }
    }
}
