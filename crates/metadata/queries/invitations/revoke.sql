DELETE FROM invitations
WHERE tenant = $1 AND id = $2
