SELECT id, tenant, email, role, invited_by, created_at, expires_at
FROM invitations
