// each class publishes a program, and the native compiler takes all cores by itself
[assembly: CollectionBehavior(DisableTestParallelization = true)]
