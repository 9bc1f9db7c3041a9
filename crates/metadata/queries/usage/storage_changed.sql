-- A step for each living index that stores something else, or is called otherwise, than its last step says.
INSERT INTO storage_steps (tenant, index_id, hour, uid, bytes)
SELECT indexes.tenant, indexes.id, $1, indexes.uid, coalesce(indexes.stored_bytes, 0)
FROM indexes
LEFT JOIN storage_steps AS last
    ON last.index_id = indexes.id
    AND last.hour = (SELECT max(steps.hour) FROM storage_steps AS steps WHERE steps.index_id = indexes.id)
WHERE
    indexes.deleted_at IS NULL
    AND (last.index_id IS NULL OR last.bytes <> coalesce(indexes.stored_bytes, 0) OR last.uid <> indexes.uid)
ON CONFLICT (index_id, hour) DO UPDATE SET bytes = excluded.bytes, uid = excluded.uid
