SELECT template, SUM(lines) AS lines, SUM(errors) AS errors, MAX(example) AS example
FROM (SELECT DISTINCT template, lines, errors, example, source FROM log_templates) AS counted
GROUP BY template
ORDER BY errors DESC, lines DESC
LIMIT 20
