// The shape of the public KCL samples for .NET: retries by hand, then the record is given up with a line on the console.
using System.Text;
using FastConsumer;

namespace Corpus.KclSample;

[KinesisProcessor("sample")]
public sealed partial class SampleRecordProcessor
{
    private const int NumRetries = 10;
    private static readonly TimeSpan Backoff = TimeSpan.FromSeconds(3);

    [OnBatch]
    public void ProcessRecords(RecordBatch records)
    {
        Console.Error.WriteLine("Processing " + records.Count + " records.");
        ProcessRecordsWithRetries(records);
    }

    private void ProcessRecordsWithRetries(RecordBatch records)
    {
        foreach (KinesisRecord rec in records)
        {
            bool processedSuccessfully = false;
            string? data = null;
            for (int i = 0; i < NumRetries; ++i)
            {
                try
                {
                    data = Encoding.UTF8.GetString(rec.Data.Span);
                    Console.Error.WriteLine($"Retrieved record: partition key {rec.PartitionKey}, data {data}");
                    processedSuccessfully = true;
                    break;
                }
                {|FC2002:catch (Exception e)|}
                {
                    Console.Error.WriteLine("Exception processing record data: " + data, e);
                }

                {|FC3001:Thread.Sleep(Backoff)|};
            }

            if (!processedSuccessfully)
            {
                Console.Error.WriteLine("Couldn't process record " + rec.SequenceNumber + ". Skipping the record.");
            }
        }
    }
}
