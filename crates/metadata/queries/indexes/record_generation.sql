-- A generation without documents says nothing of the primary key: what was selected since stands.
UPDATE indexes
SET generation = $2,
    committed_seq = $3,
    documents = $4,
    stored_bytes = $5,
    raw_bytes = $6,
    fields = $7,
    settings = $8,
    primary_key = CASE WHEN $4 > 0 THEN coalesce($9, primary_key) ELSE coalesce(primary_key, $9) END,
    updated_at = $10
WHERE id = $1 AND (generation IS NULL OR generation < $2)
