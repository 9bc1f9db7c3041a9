UPDATE indexes
SET uid = $3
WHERE tenant = $1 AND uid = $2 AND deleted_at IS NULL
