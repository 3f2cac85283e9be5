using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace FastConsumer.Docs.Tests.Reference;

/// <summary>The XML comments that the compiler wrote beside an assembly, as Markdown.</summary>
internal static partial class XmlDocs
{
    private static readonly Dictionary<Assembly, Dictionary<string, XElement>> s_read = [];

    public static string Summary(PropertyInfo property) =>
        Text(Find(property.DeclaringType!.Assembly, $"P:{property.DeclaringType.FullName!.Replace('+', '.')}.{property.Name}"));

    public static string Summary(Type type) => Text(Find(type.Assembly, $"T:{type.FullName!.Replace('+', '.')}"));

    private static XElement Find(Assembly assembly, string member)
    {
        if (!s_read.TryGetValue(assembly, out Dictionary<string, XElement>? members))
        {
            members = XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml")).Descendants("member")
                .ToDictionary(static element => element.Attribute("name")!.Value);
            s_read.Add(assembly, members);
        }

        return members.TryGetValue(member, out XElement? found) && found.Element("summary") is { } summary
            ? summary
            : throw new InvalidOperationException($"{member} has no summary.");
    }

    private static string Text(XElement summary) => Spaces().Replace(string.Concat(summary.Nodes().Select(Text)), " ").Trim();

    private static string Text(XNode node) => node switch
    {
        XText text => text.Value.Replace("<", "&lt;", StringComparison.Ordinal),
        XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
        XElement { Name.LocalName: "see" } see when see.Attribute("cref") is { } reference => $"`{ShortName(reference.Value)}`",
        XElement { Name.LocalName: "see" } see when see.Attribute("langword") is { } word => $"`{word.Value}`",
        XElement { Name.LocalName: "see" } see when see.Attribute("href") is { } address => $"[{see.Value}]({address.Value})",
        XElement element => string.Concat(element.Nodes().Select(Text)),
        _ => "",
    };

    /// <summary>What a page's reader writes: a property's name, an enum's member with its type.</summary>
    private static string ShortName(string cref)
    {
        string[] parts = cref[2..].Split('(')[0].Split('.');
        bool isMember = cref[0] is 'F';
        string name = isMember ? $"{parts[^2]}.{parts[^1]}" : parts[^1];
        return name.EndsWith("Attribute", StringComparison.Ordinal) ? $"[{name[..^"Attribute".Length]}]" : name;
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
