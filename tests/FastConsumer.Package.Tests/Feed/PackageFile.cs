using System.IO.Compression;
using System.Xml.Linq;

namespace FastConsumer.Package.Tests.Feed;

/// <summary>What is inside a package.</summary>
internal sealed class PackageFile : IDisposable
{
    private readonly ZipArchive _archive;

    public PackageFile(string path) => _archive = ZipFile.OpenRead(path);

    public IEnumerable<string> Entries => _archive.Entries.Select(static entry => entry.FullName);

    public byte[] Read(string entry)
    {
        using Stream content =
            (_archive.GetEntry(entry) ?? throw new FileNotFoundException($"The package holds no '{entry}'.", entry)).Open();
        using var copy = new MemoryStream();
        content.CopyTo(copy);
        return copy.ToArray();
    }

    public string ReadText(string entry)
    {
        using var reader = new StreamReader(new MemoryStream(Read(entry)));
        return reader.ReadToEnd();
    }

    /// <summary>The manifest's metadata by name, without its namespace.</summary>
    public ILookup<string, XElement> Manifest() =>
        XDocument.Parse(ReadText(Entries.Single(static entry => entry.EndsWith(".nuspec", StringComparison.Ordinal))))
            .Root!.Elements().First().Descendants()
            .ToLookup(static element => element.Name.LocalName);

    public void Dispose() => _archive.Dispose();
}
