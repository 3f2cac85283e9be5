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

    /// <summary>A handler that is also a member of an interface.</summary>
    public static string OfInterface(string body) =>
        Of($"[OnRecord]\npublic void Handle(string text)\n{{\n    {body}\n}}").Replace(
            "partial class P(IStore store)", "partial class P(IStore store) : IHandler", StringComparison.Ordinal)
        + "\ninterface IHandler\n{\n    void Handle(string text);\n}\n";

    /// <summary>The members, indented as in the class.</summary>
    public static string Of(string members) =>
        $"{Head}{string.Join('\n', members.Split('\n').Select(line => line.Length == 0 ? line : "    " + line))}\n}}\n";
}
