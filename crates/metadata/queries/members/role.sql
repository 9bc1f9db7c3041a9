SELECT role
FROM memberships
WHERE tenant = $1 AND user_id = $2
