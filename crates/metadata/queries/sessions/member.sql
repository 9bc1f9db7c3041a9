SELECT memberships.role, tenants.status, tenants.plan
FROM memberships
JOIN tenants ON tenants.id = memberships.tenant
WHERE memberships.tenant = $1 AND memberships.user_id = $2 AND tenants.status <> 'deleted'
