SELECT id, email, name, password_hash, operator, failures, locked_until, created_at, signed_in_at
FROM users
