SELECT index_id, size, sum(seconds)
FROM usage
WHERE tenant = $1 AND started_at >= $2 AND started_at < $3
GROUP BY index_id, size
ORDER BY index_id, size
