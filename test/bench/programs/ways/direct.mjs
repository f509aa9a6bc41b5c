import pg from 'pg'

/** A client and nothing around its tests: what is measured is the body. */
export async function open({ url }) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return { enter: async () => {}, db: () => client, leave: async () => {} }
}
