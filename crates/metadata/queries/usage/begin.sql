-- Changes nothing, but two transactions that do this run one after the other.
UPDATE usage_progress
SET settled_until = settled_until
RETURNING settled_until
