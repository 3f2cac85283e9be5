namespace FastConsumer.PostgreSql;

/// <summary>The SQL of one table. Parameters $1 to $4 are the key's parts, in their order, where a statement is about one row.</summary>
internal sealed class PositionStatements(PositionTableName table)
{
    private const string Key = "application = $1 AND stream_arn = $2 AND stream_created = $3 AND shard_id = $4";

    /// <summary>The columns and their types, as <c>format_type</c> writes them.</summary>
    public static IReadOnlyList<(string Name, string Type)> Columns { get; } =
    [
        ("application", "text"),
        ("stream_arn", "text"),
        ("stream_created", "timestamp with time zone"),
        ("shard_id", "text"),
        ("epoch", "bigint"),
        ("number", "bigint"),
        ("sequence_number", "text"),
        ("sub_sequence_number", "bigint"),
        ("updated_at", "timestamp with time zone"),
        ("runs", "text"),
        ("lineage", "text"),
    ];

    public PositionTableName Table => table;

    /// <summary>Rows change often and stay small: room in their page lets an update leave the index alone.</summary>
    public string Create { get; } = $"""
        CREATE TABLE IF NOT EXISTS {table.Quoted} (
            application text NOT NULL,
            stream_arn text NOT NULL,
            stream_created timestamptz NOT NULL,
            shard_id text NOT NULL,
            epoch bigint NOT NULL,
            number bigint NOT NULL,
            sequence_number text,
            sub_sequence_number bigint NOT NULL,
            updated_at timestamptz NOT NULL,
            runs text,
            lineage text,
            PRIMARY KEY (application, stream_arn, stream_created, shard_id)
        ) WITH (fillfactor = 50)
        """;

    /// <summary>Adds the columns that the first version of the table did not have. Nothing where they are there.</summary>
    public string Extend { get; } =
        $"ALTER TABLE {table.Quoted} ADD COLUMN IF NOT EXISTS runs text, ADD COLUMN IF NOT EXISTS lineage text";

    /// <summary>The server's settings, whether the table is there, and what may be done with it. $1: the quoted name.</summary>
    public string Look { get; } = """
        SELECT current_setting('idle_in_transaction_session_timeout'), pg_is_in_recovery(), current_user::text, t.oid IS NOT NULL,
            coalesce(has_table_privilege(t.oid, 'SELECT'), false), coalesce(has_table_privilege(t.oid, 'INSERT'), false),
            coalesce(has_table_privilege(t.oid, 'UPDATE'), false)
        FROM (SELECT to_regclass($1)::oid AS oid) AS t
        """;

    /// <summary>The table's columns, and whether the key is unique. $1: the quoted name.</summary>
    public string Describe { get; } = """
        SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), EXISTS (
            SELECT FROM pg_index AS i WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
                AND i.indexprs IS NULL AND i.indnkeyatts = 4 AND (
                    SELECT array_agg(k.attname::text ORDER BY k.attname::text) FROM pg_attribute AS k
                    WHERE k.attrelid = i.indrelid AND k.attnum = ANY (i.indkey[0:3])
                ) = ARRAY['application', 'shard_id', 'stream_arn', 'stream_created'])
        FROM pg_attribute AS a WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
        """;

    /// <summary>One row in any case, so that a standby tells itself also where it has no position.</summary>
    public string Read { get; } = $"""
        SELECT pg_is_in_recovery(), p.epoch, p.number, p.sequence_number, p.sub_sequence_number, p.runs, p.lineage
        FROM (SELECT 1) AS one LEFT JOIN {table.Quoted} AS p ON {Key}
        """;

    /// <summary>$1: application, $2: stream's ARN.</summary>
    public string List { get; } = $"""
        SELECT pg_is_in_recovery(), p.epoch, p.number, p.sequence_number, p.sub_sequence_number, p.runs, p.lineage, p.stream_created,
            p.shard_id
        FROM (SELECT 1) AS one LEFT JOIN {table.Quoted} AS p ON p.application = $1 AND p.stream_arn = $2
        """;

    /// <summary>$5: the epoch. It locks the row also where that one's epoch is higher, and nothing is answered.</summary>
    public string SetEpoch { get; } = $"""
        INSERT INTO {table.Quoted} AS p (
            application, stream_arn, stream_created, shard_id, epoch, number, sequence_number, sub_sequence_number, updated_at)
        VALUES ($1, $2, $3, $4, $5, 0, NULL, 0, clock_timestamp())
        ON CONFLICT (application, stream_arn, stream_created, shard_id) DO UPDATE
        SET epoch = excluded.epoch, updated_at = excluded.updated_at WHERE p.epoch <= excluded.epoch
        RETURNING pg_is_in_recovery(), epoch, number, sequence_number, sub_sequence_number, runs, lineage
        """;

    /// <summary>
    /// $5 and $6: the position; $7 and $8: runs and lineage; $9 and $10: epoch and number; an operator's row where there is none.
    /// </summary>
    public string Insert { get; } = $"""
        INSERT INTO {table.Quoted} (
            application, stream_arn, stream_created, shard_id, sequence_number, sub_sequence_number, runs, lineage, epoch, number,
            updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, clock_timestamp())
        ON CONFLICT (application, stream_arn, stream_created, shard_id) DO NOTHING
        """;

    /// <summary>
    /// $5 and $6: the position; $7 and $8: runs and lineage; $9 and $10: the former epoch and number; $11: the next epoch.
    /// </summary>
    public string Set { get; } = $"""
        UPDATE {table.Quoted}
        SET epoch = $11, number = number + 1, sequence_number = $5, sub_sequence_number = $6, runs = $7, lineage = $8,
            updated_at = clock_timestamp()
        WHERE {Key} AND epoch = $9 AND number = $10
        """;

    /// <summary>$5 and $6: the position; $7 and $8: runs and lineage; $9 and $10: the former epoch and number.</summary>
    public string Move { get; } = $"""
        UPDATE {table.Quoted}
        SET number = number + 1, sequence_number = $5, sub_sequence_number = $6, runs = $7, lineage = $8, updated_at = clock_timestamp()
        WHERE {Key} AND epoch = $9 AND number = $10
        """;
}
