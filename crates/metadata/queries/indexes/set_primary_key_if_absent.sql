UPDATE indexes
SET primary_key = coalesce(primary_key, $2)
WHERE id = $1 AND deleted_at IS NULL
RETURNING primary_key
