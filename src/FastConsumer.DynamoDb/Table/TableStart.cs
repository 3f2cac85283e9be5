using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;

namespace FastConsumer.DynamoDb;

/// <summary>What a start does alike with each table that it needs.</summary>
internal static class TableStart
{
    private static readonly TimeSpan s_firstPoll = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest time from one look at a table to the next.</summary>
    public static TimeSpan SlowestPoll { get; } = TimeSpan.FromSeconds(2);

    /// <summary>For how long a start waits.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromMinutes(5);

    /// <summary>Waits until a table can be used.</summary>
    /// <param name="found">The table as it was found; null where it was missing, and was asked for.</param>
    /// <param name="describe">Looks at the table; null where it does not show yet.</param>
    /// <param name="unusable">What to throw for a status that waiting does not help, and whether the table is being deleted.</param>
    /// <param name="late">What to throw where the status is still this one after so long.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<TableDescription> WaitUntilActiveAsync(
        TableDescription? found,
        Func<CancellationToken, Task<TableDescription?>> describe,
        Func<string, bool, Exception> unusable,
        Func<string, TimeSpan, Exception> late,
        TimeProvider timeProvider,
        CancellationToken cancellationToken)
    {
        long started = timeProvider.GetTimestamp();
        for (TimeSpan poll = s_firstPoll; ; poll = poll * 2 < SlowestPoll ? poll * 2 : SlowestPoll)
        {
            // a table just created may not show yet
            found ??= await describe(cancellationToken);
            string status = found?.TableStatus?.Value ?? "not visible yet";
            if (found is not null && (found.TableStatus == TableStatus.ACTIVE || found.TableStatus == TableStatus.UPDATING))
            {
                return found;
            }

            if (found is not null && found.TableStatus != TableStatus.CREATING)
            {
                throw unusable(status, found.TableStatus == TableStatus.DELETING);
            }

            if (timeProvider.GetElapsedTime(started) > Patience)
            {
                throw late(status, Patience);
            }

            found = null;
            await Task.Delay(poll, timeProvider, cancellationToken);
        }
    }

    /// <summary>A table's key, each part as <c>name (HASH, S)</c>.</summary>
    public static IReadOnlyList<string> KeyOf(TableDescription table)
    {
        return [.. (table.KeySchema ?? []).Select(part => $"{part.AttributeName} ({part.KeyType}, {TypeOf(part)})")];

        string TypeOf(KeySchemaElement part) =>
            table.AttributeDefinitions?.Find(definition => definition.AttributeName == part.AttributeName)?.AttributeType?.Value ?? "?";
    }
}
