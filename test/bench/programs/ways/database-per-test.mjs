import pg from 'pg'

/** CREATE DATABASE … TEMPLATE before each test, DROP DATABASE after it. */
export async function open({ adminUrl, url, template }) {
  const admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  const owner = pg.escapeIdentifier(new URL(url).username)
  const ownUrl = new URL(url)
  ownUrl.pathname = '/database_per_test'
  let client
  return {
    async enter() {
      await admin.query(
        `create database database_per_test template ${pg.escapeIdentifier(template)} owner ${owner} strategy file_copy`,
      )
      client = new pg.Client({ connectionString: ownUrl.href })
      await client.connect()
    },
    db: () => client,
    async leave() {
      await client.end()
      await admin.query('drop database database_per_test with (force)')
    },
  }
}
