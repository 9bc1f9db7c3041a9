SELECT index_id, uid, hour, bytes
FROM storage_steps
WHERE tenant = $1 AND hour < $2
ORDER BY index_id, hour
