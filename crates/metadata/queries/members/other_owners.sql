SELECT count(*)
FROM memberships
WHERE tenant = $1 AND user_id <> $2 AND role = 'owner'
