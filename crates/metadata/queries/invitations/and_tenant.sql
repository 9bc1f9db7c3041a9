WHERE tenant = $1 AND expires_at > $2
ORDER BY email
