using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace FastConsumer.CompilerTesting.Verification;

/// <summary>A file beside the sources that analyzers may read.</summary>
internal sealed class TextFile(string path, string text) : AdditionalText
{
    public override string Path => path;

    public override SourceText GetText(CancellationToken cancellationToken = default) => SourceText.From(text);
}
