DELETE FROM members
WHERE tenant = $1 AND email = $2
