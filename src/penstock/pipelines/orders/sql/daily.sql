SELECT
  day, currency,
  count(*) AS orders,
  sum(units) AS units,
  count(DISTINCT customer_id) AS customers,
  sum(total) AS revenue,
  sum(total_eur) AS revenue_eur
FROM good
GROUP BY day, currency
ORDER BY day, currency
