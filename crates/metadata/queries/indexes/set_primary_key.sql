UPDATE indexes
SET primary_key = $2
WHERE id = $1 AND deleted_at IS NULL
