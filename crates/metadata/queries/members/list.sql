SELECT tenant, email, role, password_hash, created_at
FROM members
WHERE tenant = $1
ORDER BY email
