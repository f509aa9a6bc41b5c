import { escapeIdentifier, escapeLiteral } from 'pg'
import { errors, reasonOf } from './errors.js'
import type { Session } from './session.js'

/** What CREATE DATABASE does not copy: `ALTER DATABASE … SET`, `ALTER ROLE … IN DATABASE … SET`, and grants. */
export interface DatabaseSettings {
  /** `role` is null for ALTER DATABASE. */
  settings: { role: string | null; setting: string; value: string }[]
  /** Undefined where nobody has granted or revoked anything: the server's defaults hold. `grantee` is null for PUBLIC. */
  grants: { grantee: string | null; privilege: string; grantable: boolean }[] | undefined
}

/** Reads them from the shared catalogs, so that no session in the database itself is needed. */
export async function settingsOf(session: Session, oid: number): Promise<DatabaseSettings> {
  const [found] = await session.query<{
    parameters: { role: string | null; parameter: string }[]
    custom: boolean
    grants: NonNullable<DatabaseSettings['grants']>
  }>(settingsQuery, [oid])
  return {
    settings: (found?.parameters ?? []).map(({ role, parameter }) => {
      const equals = parameter.indexOf('=')
      return { role, setting: parameter.slice(0, equals), value: parameter.slice(equals + 1) }
    }),
    grants: found?.custom ? found.grants : undefined,
  }
}

const settingsQuery = `
  select
    (select coalesce(json_agg(json_build_object(
         'role', case when s.setrole <> 0 then pg_get_userbyid(s.setrole) end, 'parameter', parameter)), '[]')
       from pg_db_role_setting s, unnest(s.setconfig) as parameter
      where s.setdatabase = d.oid) as parameters,
    d.datacl is not null as custom,
    (select coalesce(json_agg(json_build_object(
         'grantee', case when a.grantee <> 0 then pg_get_userbyid(a.grantee) end,
         'privilege', a.privilege_type, 'grantable', a.is_grantable)), '[]')
       from aclexplode(d.datacl) a) as grants
  from pg_database d where d.oid = $1`

/**
 * Gives them to a clone.
 *
 * @throws TemplateError SETTING_REFUSED where the session's role may not
 */
export async function copySettings(
  session: Session,
  { name, owner }: { name: string; owner: string },
  { settings, grants }: DatabaseSettings,
): Promise<void> {
  const database = escapeIdentifier(name)
  const statements = [
    ...settings.map(setting => settingStatement(database, setting)),
    ...(grants ? grantStatements(database, owner, grants) : []),
  ]
  for (const statement of statements) {
    try {
      await session.query(statement)
    } catch (cause) {
      throw errors.SETTING_REFUSED({ database: name, statement, reason: reasonOf(cause) }, { cause })
    }
  }
}

function settingStatement(database: string, { role, setting, value }: DatabaseSettings['settings'][number]): string {
  const target = role === null ? `database ${database}` : `role ${escapeIdentifier(role)} in database ${database}`
  const name = setting.split('.').map(escapeIdentifier).join('.')
  return `alter ${target} set ${name} to ${literals(setting, value)}`
}

/** Takes away what a new database gives by default, to the owner and to PUBLIC, and grants what the template grants. */
function grantStatements(database: string, owner: string, grants: NonNullable<DatabaseSettings['grants']>): string[] {
  return [
    `revoke all on database ${database} from public, ${escapeIdentifier(owner)}`,
    ...grants.map(({ grantee, privilege, grantable }) => {
      const to = grantee === null ? 'public' : escapeIdentifier(grantee)
      return `grant ${privilege} on database ${database} to ${to}${grantable ? ' with grant option' : ''}`
    }),
  ]
}

/**
 * The catalog keeps a list of names as one text, each name quoted where it has to be; SET wants each as a literal of
 * its own. Which parameters are such lists cannot be asked from the server; `pg_dump` knows them by heart as well.
 */
function literals(setting: string, value: string): string {
  if (!listsOfNames.has(setting.toLowerCase())) return escapeLiteral(value)
  const names = [...value.matchAll(/"((?:[^"]|"")*)"|[^\s,]+/g)].map(
    ([whole, quoted]) => quoted?.replaceAll('""', '"') ?? whole,
  )
  return names.length === 0 ? `''` : names.map(escapeLiteral).join(', ')
}

const listsOfNames = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
])
