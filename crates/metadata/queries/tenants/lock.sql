-- Changes nothing, but two transactions that do this run one after the other.
UPDATE tenants
SET name = name
WHERE id = $1
