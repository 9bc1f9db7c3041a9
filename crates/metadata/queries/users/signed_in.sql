UPDATE users
SET failures = 0, locked_until = NULL, signed_in_at = $2
WHERE id = $1
