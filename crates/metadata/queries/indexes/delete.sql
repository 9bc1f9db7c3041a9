UPDATE indexes
SET deleted_at = $2, revision = $3
WHERE id = $1 AND deleted_at IS NULL
