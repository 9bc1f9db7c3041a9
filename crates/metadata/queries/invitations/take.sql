DELETE FROM invitations
WHERE token_hash = $1 AND expires_at > $2
RETURNING id, tenant, email, role, invited_by, created_at, expires_at
