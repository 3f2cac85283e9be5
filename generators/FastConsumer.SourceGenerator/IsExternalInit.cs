namespace System.Runtime.CompilerServices;

/// <summary>Lets netstandard2.0 compile records; the compiler looks for it by name.</summary>
internal static class IsExternalInit;
