SELECT
  _source, _line, _raw,
  nullif(trim(order_id), '') AS order_id,
  nullif(trim(customer_id), '') AS customer_id,
  ordered_at,
  upper(trim(currency)) AS currency,
  nullif(upper(trim(country)), '') AS country,
  nullif(lower(trim(channel)), '') AS channel,
  coalesce(discount, CAST(0 AS DECIMAL(12,2))) AS discount,
  lines
FROM raw_orders
