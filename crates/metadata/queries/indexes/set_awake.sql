UPDATE indexes
SET awake = $2, revision = $3
WHERE id = $1 AND deleted_at IS NULL AND awake <> $2
