SELECT issuer
FROM identities
WHERE user_id = $1
ORDER BY issuer
