SELECT
  o._source, o._line, o._raw,
  o.order_id, o.customer_id, o.ordered_at, o.currency, o.country, o.channel, o.discount, o.lines,
  p.units, p.gross, c.euros,
  CASE
    WHEN o.order_id IS NULL THEN 'order_id is missing'
    WHEN o.customer_id IS NULL THEN 'customer_id is missing'
    WHEN o.ordered_at IS NULL THEN 'ordered_at is missing'
    WHEN o.currency IS NULL THEN 'currency is missing'
    WHEN c.code IS NULL THEN 'the currency is not taken'
    WHEN p.units IS NULL THEN 'the order has no lines'
    WHEN p.fewest < 1 THEN 'a quantity is below 1'
    WHEN p.cheapest < 0 THEN 'a price is below 0'
    WHEN o.discount < 0 THEN 'the discount is below 0'
    WHEN o.discount > p.gross THEN 'the discount is more than the order'
  END AS reason
FROM normalised AS o
LEFT JOIN priced AS p ON p._source = o._source AND p._line = o._line
LEFT JOIN currencies AS c ON c.code = o.currency
