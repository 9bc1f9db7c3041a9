AND finished_at IS NOT NULL
