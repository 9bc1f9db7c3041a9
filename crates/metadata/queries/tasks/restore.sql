-- A task that is known and was not known to be in the log is in it now; one at its end stays as it is.
INSERT INTO tasks (
    tenant, uid, index_id, index_uid, kind, status, seq, canceled_by,
    details, error, enqueued_at, started_at, finished_at, batch_uid, custom_metadata
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT (tenant, uid) DO UPDATE
SET seq = excluded.seq
WHERE tasks.finished_at IS NULL AND tasks.seq IS NULL
