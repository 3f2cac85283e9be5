namespace FastConsumer;

/// <summary>
/// Makes a partial property of a processor one of its outputs: what handlers add to it goes to a sink outside of the processor once the
/// call has succeeded. The property's type is <see cref="Output{T}"/>. The sink is named at registration, by
/// <c>AddOutput&lt;T&gt;(name)</c>.
/// </summary>
/// <param name="name">The output's name. It is unique in the processor.</param>
[AttributeUsage(AttributeTargets.Property, Inherited = false)]
public sealed class OutputAttribute(string name) : Attribute
{
    /// <summary>The output's name.</summary>
    public string Name { get; } = name;
}
