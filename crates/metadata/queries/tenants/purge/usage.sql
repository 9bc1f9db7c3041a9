DELETE FROM usage
WHERE tenant = $1
