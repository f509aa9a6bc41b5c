import { everyDatabase, placeOf, urlParts, type NamedUrl } from '@seedbed/environments'
import { connectReadOnly, type Session } from '@seedbed/environments/guard'
import { answerWithin, refusedHere } from '../environment/environment-status.js'
import {
  reachableQuery,
  refuseProtectedDatabases,
  waysToShutOut,
  type Reachable,
} from '../server/protected-databases.js'
import { ok, problem, skipped, warning, type Check, type Found } from './finding.js'
import { foundBy } from './found-by.js'
import type { Project } from './shared.js'

export const checkProduction: Check = {
  name: 'production',
  about:
    'That the role of the tests can neither read nor write what is protected: its log-in is tried at each protected database. If it is let in, its rights are asked for in a read-only session. Not under a test runner',
  async *run(shared) {
    const project = await shared.project()
    const { asked, testUrl, test } = project
    if (testUrl === undefined) {
      yield ok('tests run on a server that Seedbed makes: their role is nowhere else', { environment: test })
      return
    }
    const closed = everyDatabase(asked).filter(each => each.protected)
    try {
      await refuseProtectedDatabases(testUrl, project.folder, closed)
    } catch (error) {
      // As a run says it, with the statements.
      yield foundBy(error, test)
      return
    }
    if (closed.length === 0) yield ok('the config has no protected environment that says where it is')
    const isRefused = refusedHere(asked)
    const places = new Map(closed.map(each => [placeOf(each.url), each]))
    for (const each of places.values()) {
      const reason = isRefused(each.url)
      const environment = badgeOf(each, project)
      yield reason === undefined ? await tryLogIn(each, testUrl, environment) : skipped(reason, { environment })
    }
  },
}

async function tryLogIn(closed: NamedUrl, testUrl: string, environment: Badged): Promise<Found> {
  const place = placeOf(closed.url)
  const { user } = urlParts(withLogIn(closed.url, testUrl))
  let session: Session
  try {
    session = await connectReadOnly(withLogIn(closed.url, testUrl), answerWithin)
  } catch (error) {
    const { message } = error as Error
    if (isRefusal(error as Error)) return ok(`the tests’ log-in is refused at ${place}: ${message}`, { environment })
    return skipped(`whether the tests’ log-in is refused at ${place}: ${message}`, { environment })
  }
  try {
    return await judge(session, closed, { place, user, environment })
  } finally {
    await session.close()
  }
}

/** Of who was let in. */
async function judge(
  session: Session,
  closed: NamedUrl,
  { place, user, environment }: { place: string; user: string; environment: Badged },
): Promise<Found> {
  const [may] = (await session.query<Rights>(rightsQuery)).rows
  const { name, superuser, readable, writable, creates } = may!
  const [way] = (await session.query<Reachable>(reachableQuery, [[name]])).rows
  const owner = urlParts(closed.url).user
  const statements = way ? waysToShutOut(way, owner === user ? '' : owner).map(each => `${each};`) : []
  const rest = {
    environment,
    wayOut: superuser
      ? [`Let tests log in as a role that is no superuser and has CREATEDB, on a server of their own.`]
      : owner === user
        ? [`Let tests log in as another role than ${user}, which is the application’s of ${closed.environment}.`]
        : statements,
  }
  const rights = [
    ...(superuser ? ['is a superuser'] : []),
    ...(readable > 0 ? [`can read ${readable} of its tables`] : []),
    ...(writable > 0 ? [`can write ${writable}`] : []),
    ...(creates ? ['can create in it'] : []),
  ]
  if (rights.length > 0) {
    return problem(`the role of the tests is let into ${place}, and ${rights.join(', ')}`, {
      why: 'A test, a migration or a seed that connects there by itself is stopped by nobody but the server.',
      ...rest,
    })
  }
  return warning(`the role of the tests is let into ${place}, where it can read and write nothing`, {
    why: 'The next GRANT to PUBLIC gives it more.',
    ...rest,
  })
}

type Badged = Project['test'] | null

function badgeOf({ environment }: NamedUrl, { environments }: Project): Badged {
  return environments.find(({ name }) => name === environment) ?? null
}

/** The protected database, by the log-in of the tests. */
function withLogIn(url: string, testUrl: string): string {
  const result = new URL(url)
  const { username, password, searchParams } = new URL(testUrl)
  // A URL without a host cannot have a log-in before it.
  if (result.hostname === '') {
    const given = { user: decodeURIComponent(username), password: decodeURIComponent(password) }
    for (const [name, value] of Object.entries(given))
      result.searchParams.set(name, value || (searchParams.get(name) ?? ''))
  } else {
    result.username = username || encodeURIComponent(searchParams.get('user') ?? '')
    result.password = password || encodeURIComponent(searchParams.get('password') ?? '')
  }
  return result.href
}

/** Of the log-in or of the database: invalid_authorization_specification, invalid_password, insufficient_privilege. */
function isRefusal({ code, message }: Error & { code?: string }): boolean {
  return ['28000', '28P01', '42501'].includes(code ?? '') || /client password must be/.test(message)
}

interface Rights {
  name: string
  superuser: boolean
  /** How many tables. */
  readable: number
  writable: number
  creates: boolean
}

/** Seedbed’s own marker is everybody’s to read. */
const rightsQuery = `
  with tables as (
    select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'seedbed')
       and has_schema_privilege(n.oid, 'USAGE')
  )
  select current_database()::text as name,
    (select bool_or(r.rolsuper) from pg_roles r where pg_has_role(r.oid, 'MEMBER')) as superuser,
    (select count(*)::int from tables where has_table_privilege(oid, 'SELECT') or has_any_column_privilege(oid, 'SELECT')) as readable,
    (select count(*)::int from tables
      where has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE') or has_any_column_privilege(oid, 'INSERT, UPDATE')) as writable,
    has_database_privilege(current_database(), 'CREATE')
      or exists (select from pg_namespace n where n.nspname !~ '^pg_' and has_schema_privilege(n.oid, 'CREATE')) as creates`
