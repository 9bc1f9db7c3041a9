-- Every tenant has had a key, a task or a member. Something may come after a purge from a request that was under way.
SELECT id
FROM tenants
WHERE status = 'deleted'
    AND (
        EXISTS (SELECT 1 FROM keys WHERE keys.tenant = tenants.id)
        OR EXISTS (SELECT 1 FROM tasks WHERE tasks.tenant = tenants.id)
        OR EXISTS (SELECT 1 FROM memberships WHERE memberships.tenant = tenants.id)
        OR EXISTS (SELECT 1 FROM invitations WHERE invitations.tenant = tenants.id)
        OR EXISTS (SELECT 1 FROM webhooks WHERE webhooks.tenant = tenants.id)
    )
