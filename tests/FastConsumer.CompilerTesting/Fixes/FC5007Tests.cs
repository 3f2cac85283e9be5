using System.Collections.Immutable;
using FastConsumer.CodeFixes.State;
using FastConsumer.CompilerTesting.Verification;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.Text;

namespace FastConsumer.CompilerTesting.Fixes;

public sealed class FC5007Tests
{
    private const string Write = "Write the state to FastConsumer.State.txt";
    private const string Accept = "Accept the changed shape in FastConsumer.State.txt";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("", 1, Write, "P a 1 value:int\n")]
    [InlineData("# states\nA z 1 value:int\nP b 1 list:long", 1, Write, "# states\nA z 1 value:int\nP a 1 value:int\nP b 1 list:long\n")]
    [InlineData("P a 1 value:int\r\nP b 2 list:long\r\n", 2, Write, "P a 2 value:int\r\nP b 2 list:long\r\n")]
    [InlineData("P a 1 value:long\nP b 1 list:long\n", 1, Accept, "P a 1 value:int\nP b 1 list:long\n")]
    public async Task Writes_the_line(string before, int version, string title, string after)
    {
        (Project project, IReadOnlyList<Diagnostic> findings) = await FindAsync(before, version);
        CodeAction action = Assert.Single(await ActionsAsync(project, findings[0]));

        Assert.Equal(title, action.Title);
        Assert.Equal(after, await ApplyAsync(project, action));
    }

    [Fact]
    public async Task Writes_all_lines_at_once_but_changes_that_nobody_accepted()
    {
        (Project project, IReadOnlyList<Diagnostic> findings) = await FindAsync("P a 1 value:long\n", version: 1);
        Assert.Equal(2, findings.Count);
        var context = new FixAllContext(
            project.Documents.First(), new FC5007WriteBaseline(), FixAllScope.Project, Write, ["FC5007"], new Findings(findings), Token);
        CodeAction? all = await new FC5007WriteBaseline().GetFixAllProvider().GetFixAsync(context);

        Assert.Equal("P a 1 value:long\nP b 1 list:long\n", await ApplyAsync(project, all!));
    }

    [Fact]
    public async Task Has_nothing_for_a_version_that_went_back()
    {
        (Project project, IReadOnlyList<Diagnostic> findings) = await FindAsync("P a 3 value:int\nP b 1 list:long\n", version: 1);

        Assert.Empty(await ActionsAsync(project, Assert.Single(findings)));
    }

    private static async Task<string> ApplyAsync(Project project, CodeAction action)
    {
        ImmutableArray<CodeActionOperation> operations = await action.GetOperationsAsync(Token);
        Solution changed = operations.OfType<ApplyChangesOperation>().Single().ChangedSolution;
        return (await changed.GetProject(project.Id)!.AdditionalDocuments.Single().GetTextAsync(Token)).ToString();
    }

    private static async Task<IReadOnlyList<CodeAction>> ActionsAsync(Project project, Diagnostic finding)
    {
        var actions = new List<CodeAction>();
        await new FC5007WriteBaseline().RegisterCodeFixesAsync(
            new CodeFixContext(project.Documents.First(), finding, (action, _) => actions.Add(action), Token));
        return actions;
    }

    private static async Task<(Project Project, IReadOnlyList<Diagnostic> Findings)> FindAsync(string file, int version)
    {
        string source =
            $$"""
            using System.Text.Json.Serialization;
            using FastConsumer;

            [JsonSerializable(typeof(int)), JsonSerializable(typeof(long))] partial class Json : JsonSerializerContext;

            [KinesisProcessor("s", JsonContext = typeof(Json), StateVersion = {{version}})]
            partial class P
            {
                [State("a")] partial KeyedState<int> A { get; }
                [State("b")] partial KeyedList<long> B { get; }
                [OnRecord] void Handle(string text) { }
            }
            """;
        Project project = new AdhocWorkspace().AddProject(
            ProjectInfo.Create(ProjectId.CreateNewId(), VersionStamp.Default, "Tests", "Tests", LanguageNames.CSharp)
                .WithCompilationOptions(Compilations.Options)
                .WithParseOptions(Compilations.ParseOptions)
                .WithMetadataReferences(Compilations.References));
        project = project.AddDocument("Usings.cs", SourceText.From(Compilations.ImplicitUsings), filePath: "Usings.cs").Project;
        project = project.AddDocument("Test.cs", SourceText.From(source), filePath: "Test.cs").Project;
        project = project.AddAdditionalDocument(
            "FastConsumer.State.txt", SourceText.From(file), filePath: "FastConsumer.State.txt").Project;
        IReadOnlyList<Diagnostic> all = await RuleVerifier.AnalyzeAsync(
            (await project.GetCompilationAsync(Token))!, new TextFile("FastConsumer.State.txt", file));
        return (project,
            [.. all.Where(diagnostic => diagnostic.Id == "FC5007").OrderBy(diagnostic => diagnostic.Location.SourceSpan.Start)]);
    }

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
