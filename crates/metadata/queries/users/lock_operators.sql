-- Changes nothing, but two transactions that do this run one after the other.
UPDATE revisions
SET last = last
