namespace FastConsumer.CompilerTesting.Fixes;

/// <summary>Sources around the members of a processor.</summary>
internal static class FixSource
{
    private const string Head =
        """
        using System.IO;
        using System.Net.Http;
        using FastConsumer;

        public interface IStore
        {
            Task SaveAsync(string text, CancellationToken cancellationToken = default);
            Task<int> CountAsync(bool all = false, CancellationToken cancellationToken = default);
            void Save(string text);
        }

        [KinesisProcessor("s")]
        partial class P(IStore store)
        {
            public IStore Store => store;


        """;

    /// <summary>The members, indented as in the class.</summary>
    public static string Of(string members) => $"{Head}{string.Join('\n', members.Split('\n').Select(line => line.Length == 0 ? line : "    " + line))}\n}}\n";
}
