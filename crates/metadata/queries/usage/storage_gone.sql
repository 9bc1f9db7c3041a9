-- The last step of an index that is not there any more.
INSERT INTO storage_steps (tenant, index_id, hour, uid, bytes)
SELECT last.tenant, last.index_id, $1, last.uid, 0
FROM storage_steps AS last
LEFT JOIN indexes ON indexes.id = last.index_id AND indexes.deleted_at IS NULL
WHERE
    indexes.id IS NULL
    AND last.bytes > 0
    AND last.hour = (SELECT max(steps.hour) FROM storage_steps AS steps WHERE steps.index_id = last.index_id)
ON CONFLICT (index_id, hour) DO UPDATE SET bytes = excluded.bytes
