// By a variable: it is installed for the benchmark alone, and is no dependency of this workspace.
const library = 'pgsql-test'

/**
 * A database of its own, copied from the template by PostgreSQL's program createdb; each test in a transaction and a
 * savepoint. Of its two clients the one that does not set a role in front of every query, which is the quicker one.
 */
export async function open({ adminUrl, template }) {
  process.env.LOG_LEVEL = 'error'
  const { getConnections } = await import(library)
  const { hostname, port, username } = new URL(adminUrl)
  const { pg: client } = await getConnections(
    {
      pg: { host: decodeURIComponent(hostname), port: Number(port) || 5432, user: decodeURIComponent(username) },
      db: { rootDb: 'postgres', template, extensions: [] },
    },
    [],
  )
  return {
    enter: () => client.beforeEach(),
    db: () => client,
    leave: () => client.afterEach(),
  }
}
