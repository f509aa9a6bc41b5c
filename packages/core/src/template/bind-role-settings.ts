import type { Client } from 'pg'
import { loadPg } from '../server/load-pg.js'

/**
 * Makes what migrations have set for the application's role (`ALTER ROLE … SET`) settings of this role in this database. A
 * role's own hold in every database of a server, for good: in that of the next template, too, whose migrations do not say so
 * any more.
 *
 * @param application a session of that role, on a server of ours, begun when the migrations had run: it has the values, and
 *   FROM CURRENT takes them as they are (manual, ALTER ROLE)
 */
export async function bindRoleSettings(application: Client): Promise<void> {
  const { rows } = await application.query<{ role: string; database: string; parameters: string[] }>(`
    select rolname as role, current_database() as database,
           (select array_agg(split_part(each, '=', 1)) from unnest(rolconfig) as each) as parameters
      from pg_catalog.pg_roles where rolname = session_user and rolname = current_user and rolconfig is not null`)
  if (!rows[0]) return
  const { escapeIdentifier } = loadPg()
  const { role, database, parameters } = rows[0]
  const ofRole = `alter role ${escapeIdentifier(role)}`
  for (const parameter of parameters) {
    const name = parameter.split('.').map(escapeIdentifier).join('.')
    await application.query(`${ofRole} in database ${escapeIdentifier(database)} set ${name} from current`)
  }
  await application.query(`${ofRole} reset all`)
}
