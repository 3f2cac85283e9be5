using System.Globalization;

namespace FastConsumer.Leases;

/// <content>The value of one attribute of a row.</content>
public sealed partial record Lease
{
    /// <summary>The value of one attribute of a row: a string, a number, a set of strings, bytes or a Boolean. Values are equal by content.</summary>
    public readonly struct Value : IEquatable<Value>
    {
        private readonly object? _content;

        private Value(Kind type, object content)
        {
            Type = type;
            _content = content;
        }

        /// <summary>The type of a value, as DynamoDB has them.</summary>
        public enum Kind
        {
            /// <summary>No value.</summary>
            None,

            /// <summary>A string (S).</summary>
            Text,

            /// <summary>A number (N), kept as its text.</summary>
            Number,

            /// <summary>A set of strings (SS).</summary>
            StringSet,

            /// <summary>Bytes (B).</summary>
            Binary,

            /// <summary>A Boolean (BOOL).</summary>
            Boolean,

            /// <summary>A value of another type, which is kept and never looked into.</summary>
            Other,
        }

        /// <summary>The type.</summary>
        public Kind Type { get; }

        /// <summary>The string, or the number's text; null for other types.</summary>
        public string? Text => Type is Kind.Text or Kind.Number ? (string?)_content : null;

        /// <summary>The number as a whole number; null where it is none.</summary>
        public long? WholeNumber => Type == Kind.Number && long.TryParse(Text, NumberStyles.Integer, CultureInfo.InvariantCulture, out long number) ? number : null;

        /// <summary>The number; null where it is none.</summary>
        public double? RealNumber => Type == Kind.Number && double.TryParse(Text, CultureInfo.InvariantCulture, out double number) ? number : null;

        /// <summary>The strings of a set, sorted; null for other types.</summary>
        public IReadOnlyList<string>? Strings => _content as string[];

        /// <summary>The bytes; empty for other types.</summary>
        public ReadOnlyMemory<byte> Bytes => _content as byte[];

        /// <summary>What a store of another type keeps; null for the types above.</summary>
        public object? Content => Type is Kind.Other or Kind.Boolean ? _content : null;

        /// <summary>A string.</summary>
        public static implicit operator Value(string text) => new(Kind.Text, text);

        /// <summary>A whole number.</summary>
        public static implicit operator Value(long number) => new(Kind.Number, number.ToString(CultureInfo.InvariantCulture));

        /// <summary>A string.</summary>
        public static Value FromString(string text) => text;

        /// <summary>A whole number.</summary>
        public static Value FromInt64(long number) => number;

        /// <summary>A number.</summary>
        public static Value FromDouble(double number) => new(Kind.Number, number.ToString("R", CultureInfo.InvariantCulture));

        /// <summary>A number by its text.</summary>
        public static Value FromNumber(string text) => new(Kind.Number, text);

        /// <summary>A set of strings.</summary>
        public static Value FromStrings(IEnumerable<string> strings) =>
            new(Kind.StringSet, strings.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray());

        /// <summary>Bytes, which are copied.</summary>
        public static Value FromBytes(ReadOnlySpan<byte> bytes) => new(Kind.Binary, bytes.ToArray());

        /// <summary>A Boolean.</summary>
        public static Value FromBoolean(bool boolean) => new(Kind.Boolean, boolean);

        /// <summary>A value of another type.</summary>
        public static Value FromOther(object content) => new(Kind.Other, content);

        /// <summary>Compares by content.</summary>
        public static bool operator ==(Value left, Value right) => left.Equals(right);

        /// <summary>Compares by content.</summary>
        public static bool operator !=(Value left, Value right) => !left.Equals(right);

        /// <inheritdoc/>
        public bool Equals(Value other) => Type == other.Type && (_content, other._content) switch
        {
            (string[] these, string[] those) => these.AsSpan().SequenceEqual(those),
            (byte[] these, byte[] those) => these.AsSpan().SequenceEqual(those),
            var (this_, that) => Equals(this_, that),
        };

        /// <inheritdoc/>
        public override bool Equals(object? obj) => obj is Value other && Equals(other);

        /// <inheritdoc/>
        public override int GetHashCode() => _content switch
        {
            string[] strings => HashCode.Combine(Type, strings.Length, strings.FirstOrDefault()),
            byte[] bytes => HashCode.Combine(Type, bytes.Length),
            _ => HashCode.Combine(Type, _content),
        };

        /// <inheritdoc/>
        public override string ToString() => _content switch
        {
            string[] strings => string.Join(", ", strings),
            byte[] bytes => Convert.ToHexString(bytes),
            _ => Convert.ToString(_content, CultureInfo.InvariantCulture) ?? "",
        };
    }
}
