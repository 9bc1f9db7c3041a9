SELECT count(*)
FROM indexes
WHERE tenant = $1 AND deleted_at IS NULL
