SELECT
  order_id, customer_id, ordered_at,
  strftime(ordered_at, '%Y-%m-%d') AS day,
  currency, country, channel, units,
  CAST(net AS DECIMAL(18,2)) AS total,
  CAST(round(net * euros, 2) AS DECIMAL(18,2)) AS total_eur,
  strftime(ordered_at + INTERVAL 1 HOUR, '%Y-%m-%d %H') < arrived AS late,
  lines
FROM accepted
WHERE occurrence = 1
ORDER BY order_id
