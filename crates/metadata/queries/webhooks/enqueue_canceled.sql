-- For the tasks of an index that are about to be canceled.
INSERT INTO deliveries (webhook, task, added_at)
SELECT webhooks.id, tasks.uid, $2
FROM tasks
JOIN webhooks ON webhooks.tenant = tasks.tenant
WHERE tasks.index_id = $1 AND tasks.finished_at IS NULL
ON CONFLICT (webhook, task) DO NOTHING
