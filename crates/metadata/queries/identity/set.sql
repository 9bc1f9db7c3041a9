INSERT INTO identity_providers (tenant, issuer, audience, settings, updated_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant) DO UPDATE SET
    issuer = excluded.issuer,
    audience = excluded.audience,
    settings = excluded.settings,
    updated_at = excluded.updated_at
