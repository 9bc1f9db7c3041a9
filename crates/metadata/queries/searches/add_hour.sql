INSERT INTO search_hours (
    tenant, hour, index_id, searches, no_hits, clicks, positions, conversions, documents,
    l0, l1, l2, l3, l4, l5, l6, l7,
    l8, l9, l10, l11, l12, l13, l14, l15
)
VALUES (
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
    $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
    $25
)
ON CONFLICT (tenant, hour, index_id) DO UPDATE SET
    searches = search_hours.searches + excluded.searches, no_hits = search_hours.no_hits + excluded.no_hits,
    clicks = search_hours.clicks + excluded.clicks, positions = search_hours.positions + excluded.positions,
    conversions = search_hours.conversions + excluded.conversions, documents = search_hours.documents + excluded.documents,
    l0 = search_hours.l0 + excluded.l0, l1 = search_hours.l1 + excluded.l1,
    l2 = search_hours.l2 + excluded.l2, l3 = search_hours.l3 + excluded.l3,
    l4 = search_hours.l4 + excluded.l4, l5 = search_hours.l5 + excluded.l5,
    l6 = search_hours.l6 + excluded.l6, l7 = search_hours.l7 + excluded.l7,
    l8 = search_hours.l8 + excluded.l8, l9 = search_hours.l9 + excluded.l9,
    l10 = search_hours.l10 + excluded.l10, l11 = search_hours.l11 + excluded.l11,
    l12 = search_hours.l12 + excluded.l12, l13 = search_hours.l13 + excluded.l13,
    l14 = search_hours.l14 + excluded.l14, l15 = search_hours.l15 + excluded.l15
