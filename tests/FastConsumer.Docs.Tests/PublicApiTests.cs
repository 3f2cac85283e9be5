using System.ComponentModel;
using System.Reflection;
using FastConsumer.Hosting;

namespace FastConsumer.Docs.Tests;

public sealed class PublicApiTests
{
    /// <summary>
    /// The namespace FastConsumer.Processors is called by generated code only. Its types are public because that code is in the user's
    /// assembly; the editor does not offer them.
    /// </summary>
    [Fact]
    public void What_only_generated_code_calls_is_hidden_in_the_editor()
    {
        Type[] contract =
        [
            .. typeof(ConsumerSettings).Assembly.GetExportedTypes().Where(static type => type.Namespace == "FastConsumer.Processors"),
        ];

        Assert.NotEmpty(contract);
        Assert.All(
            contract,
            static type => Assert.Equal(EditorBrowsableState.Never, type.GetCustomAttribute<EditorBrowsableAttribute>()?.State));
    }
}
