-- When a key, or a token that it signed, was shown last; to the minute.
ALTER TABLE keys ADD COLUMN last_used_at BIGINT;
