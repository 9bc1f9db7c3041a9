DELETE FROM query_hours
WHERE tenant = $1
