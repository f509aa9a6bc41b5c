import { placeOf } from '@seedbed/environments'
import { statusesOf, type DatabaseStatus, type EnvironmentStatus } from '../environment/environment-status.js'
import { ok, problem, skipped, warning, type Check, type Found } from './finding.js'

export const checkMarkers: Check = {
  name: 'markers',
  about:
    'Each environment’s databases: whether they answer, and whether their marker says that they are what the config says',
  async *run(shared) {
    const { environments, asked } = await shared.project()
    for (const environment of await statusesOf(environments, asked)) {
      const isMade = environment.databases.every(({ missing }) => missing?.code === 'TEST_WITHOUT_URL')
      if (isMade) {
        yield skipped('its databases are made when a run starts', { environment })
        continue
      }
      for (const database of environment.databases) yield foundIn(environment, database)
    }
  },
}

function foundIn(
  environment: EnvironmentStatus,
  { url, missing, reachable, problem: reason, marker }: DatabaseStatus,
): Found {
  const { name } = environment
  if (missing) return skipped(missing.message, { environment })
  if (reachable === null) return skipped(reason!, { environment })
  const place = placeOf(url!)
  if (!marker) {
    return problem(reason!, {
      why: `Nothing can be done with ${name}, nor be said of it.`,
      wayOut: ['Start the server, or correct the URL.'],
      environment,
    })
  }
  if (marker.whose === 'ours') {
    const found = `${place} is marked as ${name}${marker.problem === null ? '' : `; ${marker.problem}`}`
    return ok(found, { environment })
  }
  // Runs make databases of their own beside it, and mark none.
  if (marker.whose === 'missing' && name === 'test')
    return ok(`${place} answers; runs need no marker in it`, { environment })
  const claim = [`seedbed env claim ${name}`]
  if (marker.whose === 'missing') {
    return warning(`${place} has no marker`, {
      why: 'Commands change no database of which nothing says whose it is.',
      wayOut: claim,
      environment,
    })
  }
  return problem(marker.problem!, { why: whys[marker.whose], wayOut: ways[marker.whose] ?? claim, environment })
}

const whys = {
  strange: 'What stands in the place of the marker may say anything: commands change nothing there.',
  copied: 'It was restored or cloned from another database, whose rows may be in it.',
  'of another': 'The URL leads to a database that is not this environment’s.',
  unknown: 'Commands change no database of which it cannot be told whose it is.',
}

const ways: Partial<Record<string, string[]>> = {
  strange: [
    'Look at it: select * from seedbed.marker;',
    'If it is none of yours: DROP SCHEMA seedbed CASCADE;',
    'Then claim the database.',
  ],
  'of another': ['Correct the URL in the config, or in the variable that it names.'],
  unknown: ['seedbed status says more.'],
}
