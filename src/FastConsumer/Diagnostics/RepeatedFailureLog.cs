using System.Globalization;

namespace FastConsumer.Diagnostics;

/// <summary>
/// Keeps the log readable while one step fails again and again: a failure is logged with its stack the first time, and after that in one line
/// that says how often and for how long it has failed. One for each step that is tried again; used by one caller at a time.
/// </summary>
/// <remarks>
/// Two failures are the same where their exceptions have the same types and the same messages. Words with a digit do not count: request ids,
/// times and ports change from try to try.
/// </remarks>
internal sealed class RepeatedFailureLog(TimeProvider time)
{
    /// <summary>As many different failures are remembered; where there are more, all are forgotten, and their stacks are logged again.</summary>
    private const int MostKinds = 8;

    private readonly Dictionary<string, Count> _counts = new(StringComparer.Ordinal);

    /// <summary>What to log of a failure.</summary>
    /// <param name="error">The failure.</param>
    /// <returns>The text to show, and the exception to pass to the logger: null where its stack is in the log already.</returns>
    public FailureText Next(Exception error)
    {
        string kind = KindOf(error);
        if (!_counts.TryGetValue(kind, out Count? count))
        {
            if (_counts.Count == MostKinds)
            {
                _counts.Clear();
            }

            _counts[kind] = new Count(time.GetTimestamp());
            return new FailureText(error.Message, error);
        }

        count.Times++;
        TimeSpan since = TimeSpan.FromSeconds(Math.Round(time.GetElapsedTime(count.FirstAt).TotalSeconds));
        string text = string.Create(
            CultureInfo.InvariantCulture, $"{error.Message} (The same failure for the {Ordinal(count.Times)} time in {since:c}; its stack is logged with the first.)");
        return new FailureText(text, null);
    }

    /// <summary>The step has succeeded: the next failure is a new one.</summary>
    public void Reset() => _counts.Clear();

    private static string KindOf(Exception error)
    {
        var kind = new System.Text.StringBuilder();
        for (Exception? part = error; part is not null; part = part.InnerException)
        {
            kind.Append(part.GetType().FullName).Append(':');
            foreach (string word in part.Message.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                if (!word.Any(char.IsDigit))
                {
                    kind.Append(word).Append(' ');
                }
            }

            kind.Append('|');
        }

        return kind.ToString();
    }

    private static string Ordinal(int number) => (number % 100 is >= 11 and <= 13 ? 0 : number % 10) switch
    {
        1 => $"{number}st",
        2 => $"{number}nd",
        3 => $"{number}rd",
        _ => $"{number}th",
    };

    private sealed class Count(long firstAt)
    {
        public long FirstAt { get; } = firstAt;

        public int Times { get; set; } = 1;
    }
}

/// <summary>What to log of a failure.</summary>
/// <param name="Text">The failure in words, with the count where it is repeated.</param>
/// <param name="Error">The exception with its stack; null where that is in the log already.</param>
internal readonly record struct FailureText(string Text, Exception? Error);
