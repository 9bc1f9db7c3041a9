UPDATE users
SET operator = $2
WHERE id = $1
