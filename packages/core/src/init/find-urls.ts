import type { Tier } from '@seedbed/environments'
import { envFiles, readEnv } from './find-variables.js'
import type { Project } from './read-project.js'

/** A variable of an `.env` file that holds the URL of a PostgreSQL. The URL itself is not here: it holds a password. */
export interface FoundUrl {
  variable: string
  file: string
  host: string
  database: string
  /** Whose database it is taken for; null for one on this machine, or in a file that test runs do not read. */
  tier: Tier | null
  /** What that was inferred from, or why nothing was. */
  why: string
}

const words: [Tier, RegExp][] = [
  ['test', /^(test|tests|testing|ci|e2e)$/],
  ['production', /^(prod|prd|production|live)$/],
  ['staging', /^(stg|stage|staging|uat|preprod|preview)$/],
  ['development', /^(dev|develop|development|local)$/],
]

/**
 * The PostgreSQL URLs of the project's `.env` files, and what each is. What says production, and what is not on this machine and
 * says nothing, is production's: to protect one database too many does no harm.
 */
export function findUrls(project: Project): FoundUrl[] {
  return envFiles(project).flatMap(file =>
    Object.entries(readEnv(project, file)).flatMap(([variable, value = '']) => {
      const url = urlOf(value)
      if (!url) return []
      const place = { host: url.host, database: decoded(url.pathname.slice(1)) }
      return [{ variable, file, ...place, ...judge(project, variable, file, { ...place, hostname: url.hostname }) }]
    }),
  )
}

function judge(
  project: Project,
  variable: string,
  file: string,
  { hostname, database }: { hostname: string; database: string },
): Pick<FoundUrl, 'tier' | 'why'> {
  const byName = tierIn(variable)
  if (byName) return { tier: byName, why: 'its name says so' }
  // Names that say nothing may hold another value in the file that is loaded here.
  if (!isLoaded(project, variable, file)) return { tier: null, why: `${file} is not read by a test run` }
  const byPlace = tierIn(hostname) ?? tierIn(database)
  if (byPlace === 'production') return { tier: byPlace, why: 'its address says so' }
  if (isLocal(hostname)) return { tier: null, why: 'it is on this machine' }
  if (byPlace) return { tier: byPlace, why: 'its address says so' }
  return { tier: 'production', why: 'its host is not this machine, and nothing says what it is' }
}

function isLoaded(project: Project, variable: string, file: string): boolean {
  return file === '.env' || (file === '.env.local' && readEnv(project, '.env')[variable] === undefined)
}

function tierIn(text: string): Tier | undefined {
  const tokens = text
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
  return words.find(([, pattern]) => tokens.some(token => pattern.test(token)))?.[0]
}

/** A name without dots is one of the machine's own network, as Docker's services have. */
function isLocal(hostname: string): boolean {
  const host = decoded(hostname).replace(/^\[(.*)\]$/, '$1')
  if (host === '' || host.startsWith('/') || host === '::1') return true
  return (
    /^(127\.|0\.0\.0\.0$)/.test(host) ||
    /^(?!dpg-)[^.:]+$/.test(host) ||
    /\.(localhost|local)$|^host\.docker\.internal$/.test(host)
  )
}

function urlOf(value: string): URL | undefined {
  return /^postgres(ql)?:\/\//i.test(value.trim()) && URL.canParse(value.trim()) ? new URL(value.trim()) : undefined
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
