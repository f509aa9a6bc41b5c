import pg from 'pg'

// By a variable: it is installed for the benchmark alone, and is no dependency of this workspace.
const library = 'pg-transactional-tests'

/** The library patches pg's Client: what is sent on it stands in one transaction, and a test in a savepoint. */
export async function open({ url }) {
  const { testTransaction } = await import(library)
  const client = new pg.Client({ connectionString: url })
  await testTransaction.start()
  await client.connect()
  return {
    enter: () => testTransaction.start(),
    db: () => client,
    leave: () => testTransaction.rollback(),
  }
}
