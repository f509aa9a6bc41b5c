import {
  chooseEnvironment,
  everyDatabase,
  placeOf,
  resolveEnvironment,
  SeedbedError,
  attempt,
} from '@seedbed/environments'
import type { AskedHere } from '@seedbed/environments'
import { sentenceOf } from '../errors/sentence-of.js'
import { ok, problem, warning, type Check, type Found } from './finding.js'

export const checkConfig: Check = {
  name: 'config',
  about:
    'It loads and is valid; each environment says where it is; no two have the same database; which one would be used here',
  async *run(shared) {
    const { folder, file, asked } = await shared.loaded()
    yield ok(file === null ? `no seedbed.config in ${folder}: everything is detected` : `${file} is valid`, { file })
    yield* sameDatabases(asked)
    yield chosen(asked)
    const { environments } = await shared.project()
    for (const environment of environments) {
      for (const address of Object.values(environment.databases)) {
        // Without a URL the tests' server is Seedbed's own.
        if (!('missing' in address) || address.missing.code === 'TEST_WITHOUT_URL') continue
        const { code, message, hint } = address.missing
        const isMissing = code === 'ENVIRONMENT_WITHOUT_URL'
        yield (isMissing ? warning : problem)(sentenceOf(message), {
          why: isMissing ? 'Commands for it end with this, until it is said.' : 'Nothing can use it.',
          wayOut: [hint],
          environment,
          variable: /\b[A-Z][A-Z0-9_]*_[A-Z0-9_]+\b/.exec(hint)?.[0] ?? null,
        })
      }
    }
  },
}

function chosen(asked: AskedHere<string>): Found {
  const { name, reason, notes } = chooseEnvironment(asked)
  const resolved = attempt(() => resolveEnvironment(asked))
  const place = { environment: 'code' in resolved ? null : resolved }
  const found = `${name} would be used here: ${reason}`
  if (resolved instanceof SeedbedError && resolved.code !== 'TEST_WITHOUT_URL') {
    const { message, hint } = resolved
    return problem(`${found}; ${sentenceOf(message)}`, { why: 'Commands end with this.', wayOut: [hint] })
  }
  return ok([found, ...notes].join('; '), place)
}

function* sameDatabases(asked: AskedHere<string>): Iterable<Found> {
  const owners = new Map<string, { environment: string; database: string }>()
  for (const { environment, database, url } of everyDatabase(asked)) {
    const place = placeOf(url)
    const other = owners.get(place)
    if (other && (other.environment !== environment || other.database !== database)) {
      yield problem(`${place} is ${other.database} of ${other.environment} and ${database} of ${environment}`, {
        why: 'What is done to one of them is done to the other, and what is safe in one is not in the other.',
        wayOut: [`Give ${environment} a database of its own, or take it out of the config.`],
      })
    } else owners.set(place, { environment, database })
  }
}
