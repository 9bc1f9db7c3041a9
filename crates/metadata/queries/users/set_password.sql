UPDATE users
SET password_hash = $2, failures = 0, locked_until = NULL
WHERE id = $1
