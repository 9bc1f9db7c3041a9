DELETE FROM keys
WHERE tenant = $1 AND uid = $2
