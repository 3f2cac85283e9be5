using System.Globalization;
using System.Numerics;
using System.Text;
using FastConsumer.Kinesis;

namespace FastConsumer.Tests.Kinesis;

public class SequenceNumberTests
{
    private static readonly BigInteger s_largest = BigInteger.Pow(10, SequenceNumber.MaxDigits) - 1;

    public static TheoryData<string> Edges =>
    [
        "0",
        "1",
        "9",
        "10",
        "18446744073709551615",
        "18446744073709551616",
        "9999999999999999999",
        "10000000000000000000",
        "99999999999999999999999999999999999999",
        "340282366920938463463374607431768211456",
        "49680390572284935475361755318913199194853266940495921154",
        s_largest.ToString(CultureInfo.InvariantCulture),
        BigInteger.Pow(10, SequenceNumber.MaxDigits - 1).ToString(CultureInfo.InvariantCulture),
    ];

    [Theory]
    [MemberData(nameof(Edges))]
    public void Writes_the_digits_it_read(string digits)
    {
        Assert.Equal(digits, SequenceNumber.Parse(digits).ToString());
        Assert.Equal(digits, SequenceNumber.Parse(Encoding.ASCII.GetBytes(digits)).ToString(null, CultureInfo.InvariantCulture));
        Assert.Equal(digits, $"{SequenceNumber.Parse(digits)}");
    }

    [Fact]
    public void Agrees_with_BigInteger()
    {
        var random = new Random(20131202);
        for (int i = 0; i < 20_000; i++)
        {
            BigInteger left = Draw(random);
            BigInteger right = random.Next(4) switch
            {
                0 => left,
                1 => BigInteger.Min(left + random.Next(1, 100), s_largest),
                _ => Draw(random),
            };
            var first = SequenceNumber.Parse(left.ToString(CultureInfo.InvariantCulture));
            var second = SequenceNumber.Parse(right.ToString(CultureInfo.InvariantCulture));

            Assert.Equal(left.ToString(CultureInfo.InvariantCulture), first.ToString());
            Assert.Equal(Math.Sign(left.CompareTo(right)), Math.Sign(first.CompareTo(second)));
            Assert.Equal(left == right, first == second);
            Assert.Equal(left != right, first != second);
            Assert.Equal(left < right, first < second);
            Assert.Equal(left <= right, first <= second);
            Assert.Equal(left > right, first > second);
            Assert.Equal(left >= right, first >= second);
            Assert.Equal(left == right, first.Equals((object)second));
            if (left == right)
            {
                Assert.Equal(first.GetHashCode(), second.GetHashCode());
            }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("01")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData(" 1")]
    [InlineData("1 ")]
    [InlineData("1e3")]
    [InlineData("LATEST")]
    [InlineData("\u0661")]
    public void Refuses_everything_else(string text)
    {
        Assert.False(SequenceNumber.TryParse(text, out _));
        Assert.False(SequenceNumber.TryParse(Encoding.UTF8.GetBytes(text), out _));
        Assert.Throws<FormatException>(() => SequenceNumber.Parse(text));
        Assert.Throws<FormatException>(() => SequenceNumber.Parse(Encoding.UTF8.GetBytes(text)));
    }

    [Fact]
    public void Refuses_one_digit_too_many()
    {
        string digits = "1" + new string('0', SequenceNumber.MaxDigits);
        Assert.False(SequenceNumber.TryParse(digits, out _));
        Assert.False(SequenceNumber.TryParse(Encoding.ASCII.GetBytes(digits), out _));
        Assert.False(SequenceNumber.TryParse((string?)null, out _));
    }

    [Fact]
    public void Says_when_the_destination_is_too_short()
    {
        SequenceNumber number = SequenceNumber.Parse("49680390572284935475361755318913199194853266940495921154");
        for (int length = 0; length < 56; length++)
        {
            Assert.False(number.TryFormat(new char[length], out int chars, default, null));
            Assert.False(number.TryFormat(new byte[length], out int bytes, default, null));
            Assert.Equal(0, chars);
            Assert.Equal(0, bytes);
        }

        Assert.True(number.TryFormat(new byte[56], out int written, default, null));
        Assert.Equal(56, written);
    }

    [Fact]
    public void Allocates_nothing_for_parsing_and_comparing()
    {
        byte[] digits = "49680390572284935475361755318913199194853266940495921154"u8.ToArray();
        SequenceNumber other = SequenceNumber.Parse("1");
        bool greater = SequenceNumber.Parse(digits) > other;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            greater &= SequenceNumber.Parse(digits) > other;
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.True(greater);
    }

    private static BigInteger Draw(Random random)
    {
        int length = random.Next(1, SequenceNumber.MaxDigits + 1);
        var digits = new StringBuilder(length);
        digits.Append((char)('1' + random.Next(9)));
        while (digits.Length < length)
        {
            // runs of zeros and nines carry between the limbs
            digits.Append(random.Next(3) switch { 0 => '0', 1 => '9', _ => (char)('0' + random.Next(10)) });
        }

        return BigInteger.Parse(digits.ToString(), CultureInfo.InvariantCulture);
    }
}
