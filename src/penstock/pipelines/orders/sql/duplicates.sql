SELECT _source AS source, _line AS line, order_id
FROM accepted
WHERE occurrence > 1
ORDER BY _source, _line
