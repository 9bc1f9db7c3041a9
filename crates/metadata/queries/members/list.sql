SELECT users.id, users.email, users.name, users.password_hash, users.operator, users.failures, users.locked_until, users.created_at,
    users.signed_in_at, memberships.role, memberships.created_at AS since
FROM memberships
JOIN users ON users.id = memberships.user_id
WHERE memberships.tenant = $1
ORDER BY users.email
