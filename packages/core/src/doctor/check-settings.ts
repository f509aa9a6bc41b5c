import { placeOf, type ConfiguredEnvironment } from '@seedbed/environments'
import { connectReadOnly, type Session } from '@seedbed/environments/guard'
import { answerWithin, refusedHere } from '../environment/environment-status.js'
import { installedBinaries } from '../server/binaries.js'
import { settings as ourSettings } from '../server/settings.js'
import { CannotCheck, ok, problem, skipped, warning, type Check, type Found } from './finding.js'
import type { Project } from './shared.js'

/** What makes the same statement act otherwise on another server. */
export interface Facts {
  version: string
  timeZone: string
  encoding: string
  /** `libc en_US.UTF-8` */
  collation: string
  standardStrings: string
  fsync: string
  fullPageWrites: string
}

export const checkSettings: Check = {
  name: 'settings',
  about:
    'In what the servers of the environments differ from that of the tests: major version, time zone, encoding, collation, standard_conforming_strings; and fsync and full_page_writes where something is protected',
  async *run(shared) {
    const project = await shared.project()
    const isRefused = refusedHere(project.asked)
    const ofTests = await factsOfTests(project).catch(() => undefined)
    const others = project.environments.filter(({ name }) => name !== 'test')
    if (others.length === 0) throw new CannotCheck('the config has no environment but test')
    for (const environment of others) {
      for (const address of Object.values(environment.databases)) {
        if ('missing' in address) {
          yield skipped(`nothing says where ${environment.name} is`, { environment })
          continue
        }
        const reason = isRefused(address.url)
        if (reason !== undefined) yield skipped(reason, { environment })
        else yield* foundAt(address.url, environment, ofTests)
      }
    }
  },
}

async function* foundAt(
  url: string,
  environment: ConfiguredEnvironment,
  ofTests: Facts | undefined,
): AsyncIterable<Found> {
  const place = placeOf(url)
  let facts: Facts
  try {
    facts = await factsAt(url)
  } catch (error) {
    yield skipped(`${place} could not be asked: ${(error as Error).message}`, { environment })
    return
  }
  yield* durability(facts, place, environment)
  if (!ofTests) yield skipped('the server of the tests could not be asked', { environment })
  else yield difference(facts, { facts: ofTests, where: 'in tests' }, place, environment)
}

/** Of a server that must not lose anything. */
export function* durability(facts: Facts, place: string, environment: ConfiguredEnvironment): Iterable<Found> {
  if (!environment.protected) return
  for (const [name, value] of [
    ['fsync', facts.fsync],
    ['full_page_writes', facts.fullPageWrites],
  ] as const) {
    if (value !== 'off') continue
    yield problem(`${name} is off at ${place}`, {
      why: 'A loss of power can destroy the whole database there. It is for servers that can be made again.',
      wayOut: [`ALTER SYSTEM SET ${name} = on;`, 'SELECT pg_reload_conf();'],
      environment,
    })
  }
}

/** @param other what it is compared with, and where that is: `in tests` */
export function difference(
  there: Facts,
  other: { facts: Facts; where: string },
  place: string,
  environment: Found['environment'],
): Found {
  const differing = compared.filter(({ of }) => of(there) !== of(other.facts))
  if (differing.length === 0) return ok(`${place} is as ${other.where}: PostgreSQL ${there.version}`, { environment })
  const said = differing.map(({ what, shown }) => `${what} ${shown(there)}, ${other.where} ${shown(other.facts)}`)
  return warning(`${place} has ${said.join('; ')}`, {
    why: differing.map(({ why }) => why).join(' '),
    wayOut: differing.map(({ wayOut }) => wayOut(there)),
    environment,
  })
}

interface Compared {
  what: string
  of(facts: Facts): string
  shown(facts: Facts): string
  why: string
  wayOut(there: Facts): string
}

/** `17` */
export const majorOf = ({ version }: Pick<Facts, 'version'>) => String(Number.parseInt(version, 10))

const compared: Compared[] = [
  {
    what: 'PostgreSQL',
    of: majorOf,
    shown: ({ version }) => version,
    why: 'What passes on one major version may not exist on another.',
    wayOut: there =>
      `Test with its version: server: { container: { image: 'postgres:${majorOf(there)}-alpine' } }, or a TEST_DATABASE_URL.`,
  },
  {
    what: 'the time zone',
    of: ({ timeZone }) => timeZone.replace(/^(Etc\/)?(UTC|UCT|GMT|Zulu|Universal)$/i, 'UTC'),
    shown: ({ timeZone }) => timeZone,
    why: 'A timestamp without a time zone means another moment there.',
    wayOut: () =>
      `Let the application say it: a connection's options -c TimeZone=UTC; or ALTER DATABASE … SET TimeZone = 'UTC';`,
  },
  {
    what: 'the encoding',
    of: ({ encoding }) => encoding,
    shown: ({ encoding }) => encoding,
    why: 'A text that one takes, the other refuses.',
    wayOut: () => 'An encoding cannot be changed: dump the database, and restore it into one that is UTF8.',
  },
  {
    what: 'the collation',
    of: ({ collation }) => (/ (C|POSIX|C\.utf-?8|PG_C_UTF_8)$/i.test(collation) ? 'by code point' : collation),
    shown: ({ collation }) => collation,
    why: 'ORDER BY and comparisons of texts give another order there.',
    wayOut: () => `Where the order of texts matters, say it in the column or the query: COLLATE "C".`,
  },
  {
    what: 'standard_conforming_strings',
    of: ({ standardStrings }) => standardStrings,
    shown: ({ standardStrings }) => standardStrings,
    why: 'A backslash in a string means something else there.',
    wayOut: () => 'ALTER DATABASE … SET standard_conforming_strings = on;',
  },
]

async function factsOfTests({ testUrl, config }: Project): Promise<Facts | undefined> {
  if (testUrl !== undefined) return factsAt(testUrl)
  if (config.server !== undefined && config.server !== 'embedded') return undefined
  const { version } = await installedBinaries()
  return {
    ...{ version, timeZone: ourSettings.timezone!, encoding: 'UTF8', collation: 'builtin C.UTF-8' },
    ...{ standardStrings: 'on', fsync: 'off', fullPageWrites: 'off' },
  }
}

async function factsAt(url: string): Promise<Facts> {
  const session = await connectReadOnly(url, answerWithin)
  try {
    return await factsOf(session)
  } finally {
    await session.close()
  }
}

export async function factsOf(session: Pick<Session, 'query'>): Promise<Facts> {
  return (await session.query<Facts>(factsQuery)).rows[0]!
}

// The locale's column has another name before PostgreSQL 17.
const factsQuery = `
  select split_part(current_setting('server_version'), ' ', 1) as version, current_setting('TimeZone') as "timeZone",
    pg_encoding_to_char(d.encoding)::text as encoding,
    case d.datlocprovider
      when 'b' then 'builtin ' || (to_jsonb(d) ->> 'datlocale')
      when 'i' then 'icu ' || coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')
      else 'libc ' || d.datcollate end as collation,
    current_setting('standard_conforming_strings') as "standardStrings",
    current_setting('fsync') as fsync, current_setting('full_page_writes') as "fullPageWrites"
    from pg_database d where d.datname = current_database()`
