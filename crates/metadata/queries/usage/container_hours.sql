SELECT tenant, hour, index_id, size, role, micros
FROM container_hours
WHERE tenant = $1 AND hour >= $2 AND hour < $3
ORDER BY hour, index_id, size, role
