using FastConsumer.Kinesis;

namespace FastConsumer;

/// <summary>
/// Reads the records of an answer that <see cref="IKinesisClient.GetRecordsAsync(StreamIdentifier, string, int?, CancellationToken)"/> or a
/// subscription gave.
/// </summary>
/// <remarks>
/// The records are views into the answer's pooled memory: they are valid until the answer is disposed, and throw
/// <see cref="ObjectDisposedException"/> after that. <see cref="KinesisRecord.ToOwned"/> copies what must live longer. Aggregates of the
/// Kinesis Producer Library are given as they were put; a worker unpacks them.
/// </remarks>
public static class GetRecordsResponseExtensions
{
    /// <summary>One record.</summary>
    /// <param name="response">The answer; the caller still owns it.</param>
    /// <param name="index">0 to <see cref="GetRecordsResponse.Count"/> - 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such record.</exception>
    /// <exception cref="ObjectDisposedException">The answer was disposed.</exception>
    public static KinesisRecord GetRecord(this GetRecordsResponse response, int index)
    {
        ArgumentNullException.ThrowIfNull(response);
        _ = response.Entry(index);
        return new KinesisRecord(response, index);
    }

    /// <summary>All records, in the shard's order.</summary>
    /// <param name="response">The answer; the caller still owns it.</param>
    /// <exception cref="ObjectDisposedException">The answer was disposed, at the next step of the enumeration.</exception>
    public static IEnumerable<KinesisRecord> EnumerateRecords(this GetRecordsResponse response)
    {
        ArgumentNullException.ThrowIfNull(response);
        return Enumerate(response);

        static IEnumerable<KinesisRecord> Enumerate(GetRecordsResponse response)
        {
            for (int i = 0; i < response.Count; i++)
            {
                yield return response.GetRecord(i);
            }
        }
    }
}
