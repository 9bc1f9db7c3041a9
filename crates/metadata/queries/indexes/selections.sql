SELECT id, selection
FROM indexes
WHERE tenant = $1 AND deleted_at IS NULL
ORDER BY uid
