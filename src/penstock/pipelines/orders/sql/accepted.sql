SELECT
  _source, _line, order_id, customer_id, ordered_at, currency, country, channel, lines, units, euros,
  gross - discount AS net,
  row_number() OVER (PARTITION BY order_id ORDER BY _source, _line) AS occurrence,
  replace(replace(replace(
    regexp_extract(_source, 'year=(\d+/month=\d+/day=\d+/hour=\d+)', 1), '/month=', '-'), '/day=', '-'), '/hour=', ' '
  ) AS arrived
FROM judged
WHERE reason IS NULL
