INSERT INTO tasks (
    tenant, uid, index_id, index_uid, kind, status, seq, canceled_by,
    details, error, enqueued_at, started_at, finished_at, batch_uid, custom_metadata, targets
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
