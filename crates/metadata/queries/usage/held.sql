SELECT count(*), CAST(coalesce(sum(documents), 0) AS BIGINT), CAST(coalesce(sum(stored_bytes), 0) AS BIGINT)
FROM indexes
WHERE tenant = $1 AND deleted_at IS NULL
