DELETE FROM identity_providers
WHERE tenant = $1
