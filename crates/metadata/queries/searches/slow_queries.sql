HAVING sum(searches) > 0
ORDER BY CAST(sum(l11 + l12 + l13 + l14 + l15) AS BIGINT) DESC, CAST(sum(l7 + l8 + l9 + l10) AS BIGINT) DESC, query
LIMIT $4
