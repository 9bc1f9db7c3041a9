HAVING sum(no_hits) > 0
ORDER BY sum(no_hits) DESC, query
LIMIT $4
