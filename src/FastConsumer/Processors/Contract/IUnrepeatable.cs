namespace FastConsumer.Processors;

/// <summary>
/// An exception of a position store. Any is taken for a failure that passes, and the transaction is repeated; this one may say that the
/// row as it was to be written will never be taken.
/// </summary>
internal interface IUnrepeatable
{
    /// <summary>True where the same row will never be written, and one that is made anew, of more records that are done, may be.</summary>
    bool IsUnrepeatable { get; }
}
