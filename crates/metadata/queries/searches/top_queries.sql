HAVING sum(searches) > 0
ORDER BY sum(searches) DESC, query
LIMIT $4
