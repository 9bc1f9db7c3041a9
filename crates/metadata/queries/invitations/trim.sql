DELETE FROM invitations
WHERE expires_at <= $1
