SELECT _source AS source, _line AS line, reason, _raw AS raw
FROM judged
WHERE reason IS NOT NULL
ORDER BY _source, _line
