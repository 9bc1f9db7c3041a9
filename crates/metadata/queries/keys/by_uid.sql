-- Of each tenant that has a key of this uid, the oldest first.
SELECT
    keys.uid, keys.tenant, keys.name, description, actions, indexes, expires_at, salted, root, keys.created_at, updated_at,
    tenants.status AS tenant_status, tenants.plan AS tenant_plan
FROM keys
JOIN tenants ON tenants.id = keys.tenant
WHERE keys.uid = $1
ORDER BY keys.created_at, keys.tenant
LIMIT $2
