using System.Collections.Immutable;
using FastConsumer.CodeFixes;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.Text;

namespace FastConsumer.CompilerTesting.Verification;

/// <summary>Runs code fixes in a workspace: exact text, the result compiles, and the finding is gone.</summary>
internal static class FixVerifier
{
    private const string Path = "Test.cs";

    private static readonly CodeFixProvider[] s_fixes =
        [.. typeof(FastConsumerFix).Assembly.GetTypes()
            .Where(type => !type.IsAbstract && type.IsSubclassOf(typeof(CodeFixProvider)))
            .Select(type => (CodeFixProvider)Activator.CreateInstance(type)!)];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>All fixes, found by reflection.</summary>
    public static IReadOnlyList<CodeFixProvider> Fixes => s_fixes;

    /// <summary>The first finding of a rule is mended so.</summary>
    public static async Task VerifyAsync(string rule, string before, string after, string? title = null)
    {
        Project project = CreateProject(before);
        IReadOnlyList<Diagnostic> findings = await FindAsync(project, rule);
        Assert.NotEmpty(findings);
        IReadOnlyList<CodeAction> actions = await ActionsAsync(project, findings[0]);
        CodeAction action = Assert.Single(actions, candidate => title is null || candidate.Title == title);
        ImmutableArray<CodeActionOperation> operations = await action.GetOperationsAsync(Token);
        Solution changed = operations.OfType<ApplyChangesOperation>().Single().ChangedSolution;
        await CheckAsync(changed.GetProject(project.Id)!, rule, after, findings.Count - 1);
    }

    /// <summary>All findings of a rule are mended so, at once.</summary>
    public static async Task VerifyAllAsync(string rule, string before, string after, string? title = null)
    {
        Project project = CreateProject(before);
        IReadOnlyList<Diagnostic> findings = await FindAsync(project, rule);
        Assert.True(findings.Count > 1, "A fix of all needs several findings.");
        IReadOnlyList<CodeAction> actions = await ActionsAsync(project, findings[0]);
        CodeAction first = Assert.Single(actions, candidate => title is null || candidate.Title == title);
        CodeFixProvider fix = s_fixes.First(
            candidate => candidate.FixableDiagnosticIds.Contains(rule) && candidate.GetFixAllProvider() is not null);
        var context = new FixAllContext(
            TestDocument(project), fix, FixAllScope.Document, first.EquivalenceKey!, [rule], new Findings(findings), Token);
        CodeAction? all = await fix.GetFixAllProvider()!.GetFixAsync(context);
        Assert.NotNull(all);
        Solution changed = (await all.GetOperationsAsync(Token)).OfType<ApplyChangesOperation>().Single().ChangedSolution;
        await CheckAsync(changed.GetProject(project.Id)!, rule, after, left: 0);
    }

    /// <summary>
    /// As dotnet format does it where the first finding has no fix: all findings, without the key of an action. One finding stays.
    /// </summary>
    public static async Task VerifyAllWithoutKeyAsync(string rule, string before, string after)
    {
        Project project = CreateProject(before);
        IReadOnlyList<Diagnostic> findings = await FindAsync(project, rule);
        Assert.Empty(await ActionsAsync(project, findings[0]));
        CodeFixProvider fix = s_fixes.First(candidate => candidate.FixableDiagnosticIds.Contains(rule));
        var context = new FixAllContext(
            TestDocument(project), fix, FixAllScope.Solution, codeActionEquivalenceKey: null, [rule], new Findings(findings), Token);
        CodeAction? all = await fix.GetFixAllProvider()!.GetFixAsync(context);
        Assert.NotNull(all);
        Solution changed = (await all.GetOperationsAsync(Token)).OfType<ApplyChangesOperation>().Single().ChangedSolution;
        await CheckAsync(changed.GetProject(project.Id)!, rule, after, left: 1);
    }

    /// <summary>The rule finds something, and no fix is offered.</summary>
    public static async Task VerifyNoneAsync(string rule, string source)
    {
        Project project = CreateProject(source);
        IReadOnlyList<Diagnostic> findings = await FindAsync(project, rule);
        Assert.NotEmpty(findings);
        foreach (Diagnostic finding in findings)
        {
            Assert.Empty(await ActionsAsync(project, finding));
        }
    }

    private static async Task CheckAsync(Project project, string rule, string after, int left)
    {
        SourceText text = await TestDocument(project).GetTextAsync(Token);
        Assert.Equal(after, text.ToString());
        Compilation compilation = GeneratorRun.Of((await project.GetCompilationAsync(Token))!).Output;
        Assert.DoesNotContain(compilation.GetDiagnostics(Token), diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
        Assert.Equal(left, (await FindAsync(project, rule)).Count);
    }

    private static async Task<IReadOnlyList<CodeAction>> ActionsAsync(Project project, Diagnostic finding)
    {
        var actions = new List<CodeAction>();
        foreach (CodeFixProvider fix in s_fixes.Where(candidate => candidate.FixableDiagnosticIds.Contains(finding.Id)))
        {
            await fix.RegisterCodeFixesAsync(new CodeFixContext(TestDocument(project), finding, (action, _) => actions.Add(action), Token));
        }

        return actions;
    }

    private static async Task<IReadOnlyList<Diagnostic>> FindAsync(Project project, string rule)
    {
        Compilation compilation = (await project.GetCompilationAsync(Token))!;
        // analyzers read what the user wrote: no rule needs the generated code
        IReadOnlyList<Diagnostic> all = await RuleVerifier.AnalyzeAsync(compilation);
        return [.. all.Where(diagnostic => diagnostic.Id == rule && diagnostic.Location.SourceTree?.FilePath == Path)
            .OrderBy(diagnostic => diagnostic.Location.SourceSpan.Start)];
    }

    private static Document TestDocument(Project project) => project.Documents.Single(document => document.Name == Path);

    private static Project CreateProject(string source)
    {
        var workspace = new AdhocWorkspace();
        var project = ProjectInfo.Create(ProjectId.CreateNewId(), VersionStamp.Default, "Tests", "Tests", LanguageNames.CSharp)
            .WithCompilationOptions(Compilations.Options)
            .WithParseOptions(Compilations.ParseOptions)
            .WithMetadataReferences(Compilations.References);
        Solution solution = workspace.CurrentSolution.AddProject(project);
        foreach ((string path, string text) in new[] { (Path, source), ("ImplicitUsings.cs", Compilations.ImplicitUsings) })
        {
            solution = solution.AddDocument(DocumentId.CreateNewId(project.Id), path, SourceText.From(text), filePath: path);
        }

        return solution.GetProject(project.Id)!;
    }

    /// <summary>Gives a fix of all the findings that are known already.</summary>
    private sealed class Findings(IReadOnlyList<Diagnostic> all) : FixAllContext.DiagnosticProvider
    {
        public override Task<IEnumerable<Diagnostic>> GetAllDiagnosticsAsync(Project project, CancellationToken cancellationToken) =>
            Task.FromResult<IEnumerable<Diagnostic>>(all);

        public override Task<IEnumerable<Diagnostic>> GetDocumentDiagnosticsAsync(Document document, CancellationToken cancellationToken) =>
            Task.FromResult(all.Where(diagnostic => diagnostic.Location.SourceTree?.FilePath == document.FilePath));

        public override Task<IEnumerable<Diagnostic>> GetProjectDiagnosticsAsync(Project project, CancellationToken cancellationToken) =>
            Task.FromResult<IEnumerable<Diagnostic>>([]);
    }
}
