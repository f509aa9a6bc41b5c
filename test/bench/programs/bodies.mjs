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
  '100 times select 1': repeated(100, db => db.query('select 1')),
  '100 times select $1': repeated(100, db => db.query('select $1::int as one', [1])),
  '10 times 1,000 rows': repeated(10, async db => {
    const { rows } = await db.query('select n, n::text as word, now() as moment from generate_series(1, 1000) n')
    if (rows.length !== 1_000) throw new Error(`there were ${rows.length} rows`)
  }),
  // Not at the top: what they import is not installed wherever this file is.
  'copy in': async db => (await import('./copy.mjs')).copyIn(db),
  'copy out': async db => (await import('./copy.mjs')).copyOut(db),
}

function repeated(times, query) {
  return async db => {
    for (let time = 0; time < times; time++) await query(db)
  }
}
