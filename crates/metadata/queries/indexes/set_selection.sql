UPDATE indexes
SET selection = $2, awake = $3, revision = $4
WHERE id = $1 AND deleted_at IS NULL
