INSERT INTO memberships (tenant, user_id, role, created_at)
VALUES ($1, $2, $3, $4)
