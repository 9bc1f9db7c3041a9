UPDATE indexes
SET generation = $2,
    committed_seq = $3,
    documents = $4,
    stored_bytes = $5,
    raw_bytes = $6,
    fields = $7,
    settings = $8,
    primary_key = coalesce($9, primary_key),
    updated_at = $10
WHERE id = $1 AND (generation IS NULL OR generation < $2)
