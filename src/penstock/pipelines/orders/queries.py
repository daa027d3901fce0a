"""The pipeline's questions, in Athena's SQL: the same text is asked here and in the account."""

from __future__ import annotations

SALES_BY_DAY = """SELECT DATE_TRUNC('day', ordered_at) AS day, UPPER(TRIM(currency)) AS currency,
  COUNT(DISTINCT order_id) AS orders,
  COUNT(DISTINCT customer_id) AS customers
FROM raw_orders
WHERE order_id <> '' AND customer_id <> '' AND ordered_at IS NOT NULL
  AND UPPER(TRIM(currency)) IN ('EUR', 'USD', 'GBP', 'CHF', 'JPY')
GROUP BY DATE_TRUNC('day', ordered_at), UPPER(TRIM(currency))
ORDER BY day, currency"""

BY_CHANNEL = """SELECT channel, COUNT(DISTINCT order_id) AS orders
FROM raw_orders
GROUP BY channel
ORDER BY orders DESC"""

BEST_CUSTOMERS = """SELECT customer_id, COUNT(DISTINCT order_id) AS orders
FROM raw_orders
WHERE customer_id <> ''
GROUP BY customer_id
ORDER BY orders DESC, customer_id
LIMIT 20"""

REJECT_REASONS = """SELECT reason, COUNT(*) AS records
FROM raw_orders_quarantine
GROUP BY reason
ORDER BY records DESC, reason"""

HOURLY_VOLUME = """SELECT year, month, day, hour, COUNT(*) AS records
FROM raw_orders
GROUP BY year, month, day, hour
ORDER BY year, month, day, hour"""

NAMED = {
    "sales-by-day": (SALES_BY_DAY, "Orders and customers of each day and currency, each order once"),
    "orders-by-channel": (BY_CHANNEL, "Orders of each channel"),
    "best-customers": (BEST_CUSTOMERS, "The customers with the most orders"),
    "reject-reasons": (REJECT_REASONS, "Why records were quarantined"),
    "hourly-volume": (HOURLY_VOLUME, "Records that arrived in each hour"),
}
