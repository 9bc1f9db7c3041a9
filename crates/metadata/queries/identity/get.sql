SELECT
    identity_providers.tenant, settings, updated_at,
    tenants.status AS tenant_status, tenants.plan AS tenant_plan
FROM identity_providers
JOIN tenants ON tenants.id = identity_providers.tenant
WHERE identity_providers.tenant = $1
