SELECT tenants.id, tenants.name, tenants.status, tenants.plan, tenants.created_at, memberships.role
FROM memberships
JOIN tenants ON tenants.id = memberships.tenant
WHERE memberships.user_id = $1 AND tenants.status <> 'deleted'
ORDER BY tenants.name
