INSERT INTO query_hours (
    tenant, index_id, hour, query, searches, no_hits, clicks, positions, conversions,
    l0, l1, l2, l3, l4, l5, l6, l7,
    l8, l9, l10, l11, l12, l13, l14, l15
)
VALUES (
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
    $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
    $25
)
ON CONFLICT (index_id, hour, query) DO UPDATE SET
    searches = query_hours.searches + excluded.searches, no_hits = query_hours.no_hits + excluded.no_hits,
    clicks = query_hours.clicks + excluded.clicks, positions = query_hours.positions + excluded.positions,
    conversions = query_hours.conversions + excluded.conversions, l0 = query_hours.l0 + excluded.l0,
    l1 = query_hours.l1 + excluded.l1, l2 = query_hours.l2 + excluded.l2,
    l3 = query_hours.l3 + excluded.l3, l4 = query_hours.l4 + excluded.l4,
    l5 = query_hours.l5 + excluded.l5, l6 = query_hours.l6 + excluded.l6,
    l7 = query_hours.l7 + excluded.l7, l8 = query_hours.l8 + excluded.l8,
    l9 = query_hours.l9 + excluded.l9, l10 = query_hours.l10 + excluded.l10,
    l11 = query_hours.l11 + excluded.l11, l12 = query_hours.l12 + excluded.l12,
    l13 = query_hours.l13 + excluded.l13, l14 = query_hours.l14 + excluded.l14,
    l15 = query_hours.l15 + excluded.l15
