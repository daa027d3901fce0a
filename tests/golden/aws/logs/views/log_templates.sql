SELECT "template_id", "template", "lines", "errors", "example", "source", "year", "month", "day", "hour"
FROM "sealed_log_templates"
UNION ALL
SELECT fresh."template_id", fresh."template", fresh."lines", fresh."errors", fresh."example", fresh."source", fresh."year", fresh."month", fresh."day", fresh."hour"
FROM (
  SELECT *
  FROM "raw_log_templates"
  WHERE year BETWEEN substr(CAST(current_date - INTERVAL '3' DAY AS varchar), 1, 4) AND substr(CAST(current_date AS varchar), 1, 4)
    AND concat(year, '-', month, '-', day)
      >= substr(CAST(current_date - INTERVAL '3' DAY AS varchar), 1, 10)
) AS fresh
LEFT JOIN (
  SELECT DISTINCT year, month, day, hour
  FROM "sealed_log_templates"
  WHERE year BETWEEN substr(CAST(current_date - INTERVAL '3' DAY AS varchar), 1, 4) AND substr(CAST(current_date AS varchar), 1, 4)
    AND concat(year, '-', month, '-', day)
      >= substr(CAST(current_date - INTERVAL '3' DAY AS varchar), 1, 10)
) AS closed
  ON fresh.year = closed.year AND fresh.month = closed.month AND fresh.day = closed.day AND fresh.hour = closed.hour
WHERE fresh."template_id" IS NOT NULL
  AND fresh."template" IS NOT NULL
  AND fresh."lines" IS NOT NULL
  AND fresh."errors" IS NOT NULL
  AND fresh."example" IS NOT NULL
  AND fresh."source" IS NOT NULL
  AND closed.year IS NULL
