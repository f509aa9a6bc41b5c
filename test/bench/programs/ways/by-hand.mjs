import pg from 'pg'

/** A client, BEGIN before each test and ROLLBACK after it. */
export async function open({ url }) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return {
    enter: () => client.query('BEGIN'),
    db: () => client,
    leave: () => client.query('ROLLBACK'),
  }
}
