SELECT count(*)
FROM users
WHERE users.id <> $1 AND users.operator
