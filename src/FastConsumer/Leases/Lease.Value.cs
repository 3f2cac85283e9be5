using System.Buffers;
using System.Globalization;
using System.Text;

namespace FastConsumer.Leases;

/// <content>The value of one attribute of a row.</content>
public sealed partial record Lease
{
    /// <summary>
    /// The value of one attribute of a row: a string, a number, a set of strings, bytes or a Boolean. Values are equal by content.
    /// </summary>
    public readonly struct Value : IEquatable<Value>
    {
        private static readonly SearchValues<char> s_numberCharacters = SearchValues.Create("0123456789+-.eE");

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
        public long? WholeNumber =>
            Type == Kind.Number && long.TryParse(Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
                ? number : null;

        /// <summary>The number; null where it is none.</summary>
        public double? RealNumber => Type == Kind.Number && double.TryParse(Text, CultureInfo.InvariantCulture, out double number)
            ? number : null;

        /// <summary>The strings of a set, sorted; null for other types.</summary>
        public IReadOnlyList<string>? Strings => _content as string[];

        /// <summary>The bytes; empty for other types.</summary>
        public ReadOnlyMemory<byte> Bytes => _content as byte[];

        /// <summary>The Boolean; null for other types.</summary>
        public bool? Boolean => _content as bool?;

        /// <summary>What the store keeps of a value of another type; null for the types above.</summary>
        public object? Content => Type == Kind.Other ? _content : null;

        /// <summary>
        /// The bytes that DynamoDB counts for it: of a number about half a byte for each digit, and one more. Of a value of another type,
        /// 0.
        /// </summary>
        internal int Size => _content switch
        {
            string text when Type == Kind.Number => (text.Length + 1) / 2 + 1,
            string text => Encoding.UTF8.GetByteCount(text),
            string[] strings => strings.Sum(static text => Encoding.UTF8.GetByteCount(text)),
            byte[] bytes => bytes.Length,
            bool => 1,
            _ => 0,
        };

        /// <summary>A string.</summary>
        /// <exception cref="ArgumentNullException">It is null: an attribute that is absent has no value.</exception>
        public static implicit operator Value(string text) => new(Kind.Text, text ?? throw new ArgumentNullException(nameof(text)));

        /// <summary>A whole number.</summary>
        public static implicit operator Value(long number) => new(Kind.Number, number.ToString(CultureInfo.InvariantCulture));

        /// <summary>A string.</summary>
        public static Value FromString(string text) => text;

        /// <summary>A string; null, which is an attribute that is absent, for null.</summary>
        public static Value? Optional(string? text) => text is null ? default(Value?) : FromString(text);

        /// <summary>A whole number; null, which is an attribute that is absent, for null.</summary>
        public static Value? Optional(long? number) => number is { } known ? FromInt64(known) : default(Value?);

        /// <summary>A whole number.</summary>
        public static Value FromInt64(long number) => number;

        /// <summary>A number.</summary>
        /// <exception cref="ArgumentOutOfRangeException">It is not finite.</exception>
        public static Value FromDouble(double number) => double.IsFinite(number)
            ? new(Kind.Number, number.ToString("R", CultureInfo.InvariantCulture))
            : throw new ArgumentOutOfRangeException(nameof(number), number, "A number of a row is finite.");

        /// <summary>A number by its text, which is kept as it is.</summary>
        /// <exception cref="FormatException">It is not a decimal number.</exception>
        public static Value FromNumber(string text) => IsNumber(text)
            ? new(Kind.Number, text)
            : throw new FormatException($"'{text}' is not a decimal number.");

        /// <summary>A set of strings.</summary>
        public static Value FromStrings(IEnumerable<string> strings) =>
            new(Kind.StringSet, strings.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray());

        /// <summary>Bytes, which are copied.</summary>
        public static Value FromBytes(ReadOnlySpan<byte> bytes) => new(Kind.Binary, bytes.ToArray());

        /// <summary>A Boolean.</summary>
        public static Value FromBoolean(bool boolean) => new(Kind.Boolean, boolean);

        /// <summary>A value of another type.</summary>
        /// <param name="content">What the store keeps of it; values are equal where these are.</param>
        public static Value FromOther(object content) => new(Kind.Other, content ?? throw new ArgumentNullException(nameof(content)));

        /// <summary>Compares by content.</summary>
        public static bool operator ==(Value left, Value right) => left.Equals(right);

        /// <summary>Compares by content.</summary>
        public static bool operator !=(Value left, Value right) => !left.Equals(right);

        /// <inheritdoc/>
        public bool Equals(Value other) => Type == other.Type && (_content, other._content) switch
        {
            (string[] these, string[] those) => these.AsSpan().SequenceEqual(those),
            (byte[] these, byte[] those) => these.AsSpan().SequenceEqual(those),
            (string this_, string that) => this_ == that || (Type == Kind.Number && Exact(this_) is { } number && number == Exact(that)),
            var (this_, that) => Equals(this_, that),
        };

        /// <inheritdoc/>
        public override bool Equals(object? obj) => obj is Value other && Equals(other);

        /// <inheritdoc/>
        public override int GetHashCode() => _content switch
        {
            string[] strings => HashCode.Combine(Type, strings.Length, strings.FirstOrDefault()),
            byte[] bytes => HashCode.Combine(Type, bytes.Length),
            string text when Type == Kind.Number && Exact(text) is { } number => HashCode.Combine(Type, number),
            _ => HashCode.Combine(Type, _content),
        };

        /// <inheritdoc/>
        public override string ToString() => _content switch
        {
            string[] strings => string.Join(", ", strings),
            byte[] bytes => Convert.ToHexString(bytes),
            _ => Convert.ToString(_content, CultureInfo.InvariantCulture) ?? "",
        };

        private static bool IsNumber(string? text) =>
            text is not null
            && !text.AsSpan().ContainsAnyExcept(s_numberCharacters)
            && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

        /// <summary>The number where it is surely exact: 1 and 1.0 are one number, and DynamoDB's numbers have up to 38 digits.</summary>
        private static decimal? Exact(string text) =>
            text.Length <= 28 && decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal number)
                ? number : null;
    }
}
