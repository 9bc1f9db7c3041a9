DELETE FROM keys
WHERE tenant = $1
