INSERT INTO search_moments (
    source, seq, index_id, tenant, until, searches,
    l0, l1, l2, l3, l4, l5, l6, l7,
    l8, l9, l10, l11, l12, l13, l14, l15
)
VALUES (
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
    $13, $14, $15, $16, $17, $18, $19, $20, $21, $22
)
ON CONFLICT (source, seq, index_id) DO NOTHING
