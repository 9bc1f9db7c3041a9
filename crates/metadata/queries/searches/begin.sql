INSERT INTO count_batches (source, seq, added_at)
VALUES ($1, $2, $3)
ON CONFLICT (source, seq) DO NOTHING
