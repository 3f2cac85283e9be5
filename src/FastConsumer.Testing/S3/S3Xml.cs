using System.Globalization;
using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace FastConsumer.Testing.S3;

/// <summary>The service's documents.</summary>
internal static class S3Xml
{
    private const string Namespace = "http://s3.amazonaws.com/doc/2006-03-01/";

    public static byte[] Write(string root, Action<XmlWriter> write, bool hasNamespace = true)
    {
        using var buffer = new MemoryStream();
        // keys may have characters that XML lacks; the service writes them as references
        var settings = new XmlWriterSettings { Encoding = new UTF8Encoding(false), CheckCharacters = false };
        using (var xml = XmlWriter.Create(buffer, settings))
        {
            xml.WriteStartElement("", root, hasNamespace ? Namespace : "");
            write(xml);
            xml.WriteEndElement();
        }

        return buffer.ToArray();
    }

    public static void Element(this XmlWriter xml, string name, string? value)
    {
        if (value is not null)
        {
            xml.WriteStartElement(name);
            xml.WriteString(value);
            xml.WriteEndElement();
        }
    }

    public static void Element(this XmlWriter xml, string name, long value) =>
        xml.Element(name, value.ToString(CultureInfo.InvariantCulture));

    public static void Element(this XmlWriter xml, string name, bool value) => xml.Element(name, value ? "true" : "false");

    public static void Element(this XmlWriter xml, string name, DateTimeOffset value) =>
        xml.Element(name, value.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));

    /// <summary>A request's document; names of elements count without their namespace, which clients may leave out.</summary>
    public static XElement Read(byte[] content, string root)
    {
        try
        {
            using var reader = XmlReader.Create(
                new MemoryStream(content), new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit });
            XElement document = XElement.Load(reader);
            return document.Name.LocalName == root ? document : throw S3Exception.MalformedXml();
        }
        catch (XmlException)
        {
            throw S3Exception.MalformedXml();
        }
    }

    public static IEnumerable<XElement> All(this XElement parent, string name) =>
        parent.Elements().Where(child => child.Name.LocalName == name);

    public static string? Text(this XElement parent, string name) => parent.All(name).FirstOrDefault()?.Value;
}
