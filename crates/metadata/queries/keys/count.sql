SELECT count(*)
FROM keys
WHERE tenant = $1 AND NOT root
