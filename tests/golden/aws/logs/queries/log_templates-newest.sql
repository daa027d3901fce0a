SELECT *
FROM log_templates
WHERE year BETWEEN substr(CAST(current_date - INTERVAL '1' DAY AS varchar), 1, 4) AND substr(CAST(current_date AS varchar), 1, 4)
  AND concat(year, '-', month, '-', day)
    >= substr(CAST(current_date - INTERVAL '1' DAY AS varchar), 1, 10)
ORDER BY year DESC, month DESC, day DESC, hour DESC
LIMIT 100
