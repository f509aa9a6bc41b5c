import { printableUrl, serverOf, urlParts, type NamedUrl } from '@seedbed/environments'
import { lookAtTestServer } from '@seedbed/environments/guard'
import { serverErrors } from './errors.js'
import { loadPg } from './load-pg.js'

/**
 * Refuses a server on which a protected database is, if the role of the tests could get into it: as a superuser, as its
 * owner or by the right to connect; and a database of the URL that is marked as another environment's. Which ones are protected
 * is known from the config, and from what commands remember. It asks the database of the tests, and connects to no other.
 *
 * @param testUrl the role and server of the tests
 * @param folder the project's
 * @throws SERVER_OF_ANOTHER_ENVIRONMENT; SERVER_HOLDS_PROTECTED_DATABASE, with the statements that take the right away; and of
 *   @seedbed/environments what `lookAtTestServer` throws
 */
export async function refuseProtectedDatabases(
  testUrl: string,
  folder: string,
  protectedDatabases: NamedUrl[],
): Promise<void> {
  const { environment, protectedHere } = await lookAtTestServer(testUrl, folder)
  if (environment !== undefined && environment !== 'test') {
    throw serverErrors.SERVER_OF_ANOTHER_ENVIRONMENT({ url: printableUrl(testUrl), environment })
  }
  const configured = protectedDatabases
    .filter(({ url }) => serverOf(url) === serverOf(testUrl))
    .map(({ environment, url }) => ({ environment, name: urlParts(url).database, user: urlParts(url).user }))
  const here = [...configured, ...protectedHere.map(each => ({ ...each, user: '' }))]
  if (here.length === 0) return
  const rows = await reachable(
    testUrl,
    here.map(({ name }) => name),
  )
  const [first] = rows
  if (!first) return
  const namedBy = (database: string) => here.find(({ name }) => name === database)!
  throw serverErrors.SERVER_HOLDS_PROTECTED_DATABASE({
    environment: namedBy(first.database).environment,
    database: first.database,
    role: first.role,
    by: first.by,
    statements: rows.flatMap(each => waysToShutOut(each, namedBy(each.database).user)),
  })
}

async function reachable(testUrl: string, names: string[]): Promise<Reachable[]> {
  const client = new (loadPg().Client)({ connectionString: testUrl, application_name: 'seedbed' })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Reachable>(reachableQuery, [names])).rows
  } finally {
    await client.end()
  }
}

/**
 * The statements that shut a role out of a database; none for a superuser, against whom there are none.
 *
 * @param user the application's role in the protected environment, which keeps its right
 */
export function waysToShutOut({ database, by, grantees }: Reachable, user: string): string[] {
  const { escapeIdentifier } = loadPg()
  if (by === 'superuser') return []
  const name = escapeIdentifier(database)
  const keeps = user === '' ? [] : [`GRANT CONNECT ON DATABASE ${name} TO ${escapeIdentifier(user)}`]
  if (by === 'owner') return user === '' ? [] : [`ALTER DATABASE ${name} OWNER TO ${escapeIdentifier(user)}`]
  const from = grantees.map(grantee => (grantee === null ? 'PUBLIC' : escapeIdentifier(grantee)))
  return [...keeps, ...from.map(grantee => `REVOKE CONNECT ON DATABASE ${name} FROM ${grantee}`)]
}

export interface Reachable {
  database: string
  role: string
  by: 'superuser' | 'owner' | 'connect'
  /** Whoever has the right to connect and the role is a member of; null is everybody. */
  grantees: (string | null)[]
}

/**
 * By which right the session's role could connect to the databases of the names in $1; no row for those that are shut.
 *
 * Membership, not inheritance: a member may SET ROLE. A database without an access control list has the default one, by which
 * everybody may connect. Source: PostgreSQL manual, "Privileges", and the functions of `aclitem`.
 */
export const reachableQuery = `
  select database.datname::text as database, current_user::text as role,
         case when superuser.is then 'superuser' when owner.is then 'owner' else 'connect' end as by,
         array(select case acl.grantee when 0 then null else pg_catalog.pg_get_userbyid(acl.grantee)::text end
                 from pg_catalog.aclexplode(coalesce(database.datacl, pg_catalog.acldefault('d', database.datdba))) acl
                where acl.privilege_type = 'CONNECT'
                  and (acl.grantee = 0 or pg_catalog.pg_has_role(acl.grantee, 'MEMBER'))) as grantees
    from pg_catalog.pg_database database,
         lateral (select pg_catalog.bool_or(r.rolsuper) as is from pg_catalog.pg_roles r
                   where pg_catalog.pg_has_role(r.oid, 'MEMBER')) superuser,
         lateral (select pg_catalog.pg_has_role(database.datdba, 'MEMBER') as is) owner
   where database.datname = any ($1)
     and (superuser.is or owner.is
          or exists (select from pg_catalog.aclexplode(coalesce(database.datacl, pg_catalog.acldefault('d', database.datdba))) acl
                      where acl.privilege_type = 'CONNECT'
                        and (acl.grantee = 0 or pg_catalog.pg_has_role(acl.grantee, 'MEMBER'))))
   order by database.datname`
