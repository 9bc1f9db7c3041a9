UPDATE memberships
SET role = $3
WHERE tenant = $1 AND user_id = $2
