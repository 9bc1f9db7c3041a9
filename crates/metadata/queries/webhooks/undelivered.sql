SELECT task
FROM deliveries
WHERE webhook = $1
ORDER BY task
LIMIT $2
