DELETE FROM memberships
WHERE tenant = $1
