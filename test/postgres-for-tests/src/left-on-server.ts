/** A client of `pg`, connected. */
interface Connected {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>
}

/**
 * What runs have left on a server, a sentence each: sessions, advisory locks, prepared transactions, and databases that are
 * half-built or that the registry does not know.
 *
 * @param administrator a superuser's session in the database `postgres`
 * @param registry one in `seedbed_registry`
 * @param except the application_name of sessions that may be there; these two always may
 * @example expect(await leftOnServer(administrator, registry)).toEqual([])
 */
export async function leftOnServer(
  administrator: Connected,
  registry: Connected,
  { except = '' }: { except?: string } = {},
): Promise<string[]> {
  const [self] = (await registry.query('select pg_backend_pid() as pid')).rows as { pid: number }[]
  const sessions = await administrator.query(
    `select format('session %s in %s: %s', application_name, datname, query) as text from pg_stat_activity
      where backend_type = 'client backend' and application_name <> $1 and pid <> all (array[pg_backend_pid(), $2])`,
    [except, self!.pid],
  )
  const locks = await administrator.query(
    `select format('advisory lock %s %s of process %s', classid, objid, pid) as text from pg_locks where locktype = 'advisory'`,
  )
  const prepared = await administrator.query(`select 'prepared transaction ' || gid as text from pg_prepared_xacts`)
  const registered = await registry.query(
    `select format('%s %s is %s, oid %s, found %s', d.kind, d.name, d.state, d.oid, p.oid) as text
       from template_db.databases d left join pg_database p on p.datname = d.name
      where d.state <> 'ready' or p.oid is null or p.oid <> d.oid or p.datconnlimit = -2
         or d.kind = 'clone' and not exists (select from template_db.databases t where t.id = d.template_id)`,
  )
  const unknown = await registry.query(
    `select 'unknown database ' || datname as text from pg_database
      where datname not in ('postgres', 'template0', 'template1', 'seedbed_registry')
        and datname not in (select name from template_db.databases)`,
  )
  return [sessions, locks, prepared, registered, unknown].flatMap(({ rows }) =>
    (rows as { text: string }[]).map(({ text }) => text),
  )
}
