using System.Reflection;
using FastConsumer.CompilerTesting.Verification;
using Microsoft.CodeAnalysis.CodeFixes;

namespace FastConsumer.CompilerTesting.Fixes;

/// <summary>What holds for every fix, found by reflection.</summary>
public sealed class EveryFixTests
{
    [Fact]
    public void Is_exported_and_bears_the_number_of_its_rule() => Assert.All(FixVerifier.Fixes, fix =>
    {
        Assert.NotNull(fix.GetType().GetCustomAttribute<ExportCodeFixProviderAttribute>());
        Assert.StartsWith(fix.FixableDiagnosticIds[0], fix.GetType().Name, StringComparison.Ordinal);
    });

    [Fact]
    public void Mends_rules_that_exist_and_has_tests() => Assert.All(FixVerifier.Fixes.SelectMany(fix => fix.FixableDiagnosticIds), id =>
    {
        Assert.Contains(Verification.Rules.All, rule => rule.Id == id);
        Assert.NotNull(typeof(EveryFixTests).Assembly.GetType($"{typeof(EveryFixTests).Namespace}.{id}Tests"));
    });
}
