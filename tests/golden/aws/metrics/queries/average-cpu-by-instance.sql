SELECT
  instance_id,
  AVG(value) AS avg_cpu,
  MAX(value) AS max_cpu,
  MIN(value) AS min_cpu
FROM infra_metrics
WHERE metric_type = 'cpu'
  AND year BETWEEN substr(CAST(current_date - INTERVAL '7' DAY AS varchar), 1, 4) AND substr(CAST(current_date AS varchar), 1, 4)
  AND concat(year, '-', month, '-', day) >= substr(CAST(current_date - INTERVAL '7' DAY AS varchar), 1, 10)
GROUP BY instance_id
ORDER BY avg_cpu DESC
