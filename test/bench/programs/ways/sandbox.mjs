import { openSandbox } from 'pg-sandbox'
import pg from 'pg'

/** A sandbox, and in its own process an application's client or pool that knows no more than its URL. */
export async function open({ url, pooled }) {
  const sandbox = await openSandbox({ url })
  const db = new (pooled ? pg.Pool : pg.Client)({ connectionString: sandbox.url })
  if (!pooled) await db.connect()
  return {
    enter: () => sandbox.enter('a test'),
    db: () => db,
    leave: () => sandbox.leave(),
  }
}
