UPDATE users
SET failures = failures + 1
WHERE id = $1
RETURNING failures
