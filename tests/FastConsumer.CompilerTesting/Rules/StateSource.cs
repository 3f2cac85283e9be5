namespace FastConsumer.CompilerTesting.Rules;

/// <summary>Sources around the members of a processor with state.</summary>
internal static class StateSource
{
    public const string Handler = "[OnRecord] void Handle(string text, RecordContext context) { }";

    public static string Of(string members, string arguments = "", string attributes = "", string types = "", string bases = "") =>
        $$"""
        using System.Buffers;
        using System.Text.Json.Serialization;
        using FastConsumer;

        public readonly record struct Total(int Count);
        public sealed record Old(int Count);
        public sealed record Row(string Id, DateTimeOffset At = default);
        public sealed record Stranger(int Count);
        public enum Color { Red, Green }

        public class StrangerSerializer : IStateSerializer<Stranger>
        {
            public void Write(Stranger value, IBufferWriter<byte> output) { }
            public Stranger Read(ReadOnlySpan<byte> bytes) => new(0);
        }

        public sealed class NeedsMore(int more) : StrangerSerializer { public int More => more; }

        [JsonSerializable(typeof(Total)), JsonSerializable(typeof(Old)), JsonSerializable(typeof(int?))]
        public partial class Json : JsonSerializerContext;

        {{types}}

        [KinesisProcessor("s", JsonContext = typeof(Json){{arguments}})]
        {{attributes}}
        partial class P{{bases}}
        {
            {{members}}
        }

        static class Startup { static void Start() => Host.AddProcessor<P>(); }
        """;
}
