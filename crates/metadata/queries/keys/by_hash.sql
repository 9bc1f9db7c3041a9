SELECT
    keys.uid, keys.tenant, keys.name, description, actions, indexes, expires_at, salted, root, keys.created_at, updated_at,
    tenants.status AS tenant_status, tenants.plan AS tenant_plan
FROM keys
JOIN tenants ON tenants.id = keys.tenant
WHERE keys.secret_hash = $1
