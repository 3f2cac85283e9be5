namespace FastConsumer.CompilerTesting.Rules;

/// <summary>Sources around the members of a processor, for rules about what handlers do.</summary>
internal static class HandlerSource
{
    public static string Of(string members, string attributes = "", string stream = "\"s\"") =>
        $$"""
        using System.Collections.Concurrent;
        using System.IO;
        using System.Net.Http;
        using System.Text;
        using System.Text.Json;
        using System.Threading.Channels;
        using FastConsumer;
        using Microsoft.Extensions.Logging;

        public interface IStore
        {
            Task SaveAsync(string text, CancellationToken cancellationToken = default);
            Task<int> CountAsync();
            Task<int> CountAsync(CancellationToken cancellationToken);
            void Save(string text);
        }

        [KinesisProcessor({{stream}})]
        {{attributes}}
        partial class P(IStore store, ILogger<P> log)
        {
            void Use() { store.Save(""); log.LogDebug(""); }
            {{members}}
        }
        """;
}
