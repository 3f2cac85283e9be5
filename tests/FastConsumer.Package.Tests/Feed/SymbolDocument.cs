using System.IO.Compression;
using System.Reflection.Metadata;
using System.Text;

namespace FastConsumer.Package.Tests.Feed;

/// <summary>A source file as symbols name it, and hold it (Portable PDB: "Embedded Source").</summary>
internal sealed record SymbolDocument(string Name, bool IsEmbedded, string Text)
{
    private static readonly Guid s_embeddedSource = new("0E8A571B-6926-466E-B4AD-8AB04611F5FE");

    public static SymbolDocument Read(MetadataReader reader, DocumentHandle handle)
    {
        string name = reader.GetString(reader.GetDocument(handle).Name);
        foreach (CustomDebugInformationHandle information in reader.GetCustomDebugInformation(handle))
        {
            CustomDebugInformation candidate = reader.GetCustomDebugInformation(information);
            if (reader.GetGuid(candidate.Kind) == s_embeddedSource)
            {
                return new SymbolDocument(name, IsEmbedded: true, TextOf(reader.GetBlobBytes(candidate.Value)));
            }
        }

        return new SymbolDocument(name, IsEmbedded: false, "");
    }

    /// <summary>Four bytes of uncompressed length, 0 for text as it is, then the text, deflated otherwise.</summary>
    private static string TextOf(byte[] blob)
    {
        using Stream content = BitConverter.ToInt32(blob) == 0
            ? new MemoryStream(blob, 4, blob.Length - 4)
            : new DeflateStream(new MemoryStream(blob, 4, blob.Length - 4), CompressionMode.Decompress);
        using var text = new StreamReader(content, Encoding.UTF8);
        return text.ReadToEnd();
    }
}
