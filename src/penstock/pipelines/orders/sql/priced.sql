SELECT
  o._source, o._line,
  sum(l.item.quantity) AS units,
  sum(l.item.quantity * l.item.unit_price) AS gross,
  min(l.item.quantity) AS fewest,
  min(l.item.unit_price) AS cheapest
FROM normalised AS o, unnest(o.lines) AS l(item)
GROUP BY o._source, o._line
