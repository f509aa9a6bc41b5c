/** What a test does, given something with `query(text, values)`. The same for every way of isolating it. */
export const bodies = {
  nothing: async () => {},
  'one select': async db => {
    await db.query('select 1')
  },
  '3 inserts, 2 selects': async db => {
    const { rows: customers } = await db.query('insert into customer (name, email) values ($1, $2) returning id', [
      'Ada',
      'ada@example.org',
    ])
    const { rows: orders } = await db.query('insert into orders (customer_id) values ($1) returning id', [
      customers[0].id,
    ])
    await db.query('insert into order_line (order_id, product_id, amount) values ($1, $2, $3)', [orders[0].id, 7, 2])
    await db.query('select name, price from product where id = $1', [7])
    const { rows } = await db.query(
      `select o.id, sum(l.amount * p.price) as total
         from orders o join order_line l on l.order_id = o.id join product p on p.id = l.product_id
        where o.customer_id = $1 group by o.id`,
      [customers[0].id],
    )
    if (rows.length !== 1 || Number(rows[0].total) !== 15) throw new Error(`the test saw ${JSON.stringify(rows)}`)
  },
}
