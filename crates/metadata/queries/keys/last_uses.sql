SELECT uid, last_used_at
FROM keys
WHERE tenant = $1 AND last_used_at IS NOT NULL AND NOT root
