SELECT year, month, day, count(*) AS records
FROM logs
WHERE year BETWEEN substr(CAST(current_date - INTERVAL '30' DAY AS varchar), 1, 4) AND substr(CAST(current_date AS varchar), 1, 4)
  AND concat(year, '-', month, '-', day)
    >= substr(CAST(current_date - INTERVAL '30' DAY AS varchar), 1, 10)
GROUP BY year, month, day
ORDER BY year, month, day
