using System.Collections;
using System.Reflection;
using FastConsumer.CompilerTesting.Verification;
using FastConsumer.SourceGenerator;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace FastConsumer.CompilerTesting.Generator;

/// <summary>What does not concern a processor does not make its code anew; else typing would run the generator at each key.</summary>
public sealed class CachingTests
{
    public static TheoryData<string> Cases => [.. GoldenCase.Names];

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_same_compilation_is_cached(string name) =>
        Verify(name, compilation => compilation);

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_comment_in_the_processor_s_file_changes_nothing(string name) =>
        Verify(name, compilation => Replace(compilation, GoldenCase.InputPath, text => "// a comment\n" + text));

    [Theory]
    [MemberData(nameof(Cases))]
    public void An_unrelated_file_changes_nothing(string name) =>
        Verify(
            name, compilation => compilation.AddSyntaxTrees(Compilations.Parse("Unrelated.cs", "class Unrelated { void Method() { } }")));

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_base_type_edited_elsewhere_changes_nothing(string name) =>
        Verify(name, compilation => Replace(compilation, GoldenCase.SharedPath, text => text.Replace(
            "// room for an edit", "protected int Added { get; set; }", StringComparison.Ordinal)));

    [Fact]
    public void A_change_of_a_handler_is_seen()
    {
        var golden = new GoldenCase("Raw");
        GeneratorRun first = GeneratorRun.Of(golden.Compile());
        GeneratorRun second = first.Again(
            Replace(golden.Compile(), GoldenCase.InputPath, text => text.Replace("Handle(", "Renamed(", StringComparison.Ordinal)));

        Assert.Contains("CallRenamed", Assert.Single(GoldenCase.Actual(second)).Value, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_model_holds_nothing_of_the_compilation(string name)
    {
        GeneratorRun run = GeneratorRun.Of(new GoldenCase(name).Compile());
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        foreach ((object value, _) in run.Result.TrackedSteps[ProcessorGenerator.ModelStep].SelectMany(step => step.Outputs))
        {
            Walk(value, value.GetType().Name, seen);
        }

        Assert.NotEmpty(seen);
    }

    private static void Verify(string name, Func<CSharpCompilation, CSharpCompilation> edit)
    {
        CSharpCompilation before = new GoldenCase(name).Compile();
        CSharpCompilation after = edit(before);
        GeneratorRun first = GeneratorRun.Of(before);
        GeneratorRun second = first.Again(after);

        Assert.NotEmpty(first.Result.GeneratedSources);
        Assert.Equal(GoldenCase.Actual(first), GoldenCase.Actual(second));
        foreach (string step in new[] { ProcessorGenerator.ModelStep, ProcessorGenerator.ClashStep })
        {
            Assert.All(
                second.Result.TrackedSteps[step].SelectMany(run => run.Outputs),
                output => Assert.True(
                    output.Reason is IncrementalStepRunReason.Cached or IncrementalStepRunReason.Unchanged, $"{step}: {output.Reason}"));
        }

        Assert.All(
            second.Result.TrackedOutputSteps.SelectMany(pair => pair.Value).SelectMany(run => run.Outputs),
            output => Assert.Equal(IncrementalStepRunReason.Cached, output.Reason));
    }

    private static CSharpCompilation Replace(CSharpCompilation compilation, string path, Func<string, string> edit)
    {
        SyntaxTree old = compilation.SyntaxTrees.Single(tree => tree.FilePath == path);
        string text = old.ToString();
        string edited = edit(text);
        Assert.NotEqual(text, edited);
        return compilation.ReplaceSyntaxTree(old, Compilations.Parse(path, edited));
    }

    private static void Walk(object? value, string path, HashSet<object> seen)
    {
        if (value is null || value is string || value.GetType().IsPrimitive || value.GetType().IsEnum || !seen.Add(value))
        {
            return;
        }

        Type type = value.GetType();
        Assert.False(type.Namespace?.StartsWith("Microsoft.CodeAnalysis", StringComparison.Ordinal), $"{path} is a {type}.");
        if (value is IEnumerable items)
        {
            int index = 0;
            foreach (object? item in items)
            {
                Walk(item, $"{path}[{index++}]", seen);
            }
        }

        for (Type? part = type; part is not null; part = part.BaseType)
        {
            foreach (FieldInfo field in part.GetFields(
                BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            {
                Walk(field.GetValue(value), $"{path}.{field.Name}", seen);
            }
        }
    }
}
