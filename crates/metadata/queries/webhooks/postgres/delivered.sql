DELETE FROM deliveries
WHERE webhook = $1 AND task IN (SELECT item::bigint FROM json_array_elements_text($2::json) AS item)
