import { readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { CannotCheck, ok, problem, warning, type Check, type Found } from './finding.js'

export const checkVersions: Check = {
  name: 'versions',
  about: 'Node, the runner, that all packages of Seedbed have one version, and that there is one copy of `pg`',
  async *run(shared) {
    const { folder } = await shared.project()
    yield node(process.versions.node)
    const packages = ours.flatMap(name => manifestOf(name, folder) ?? [])
    if (packages.length === 0) throw new CannotCheck(`no package of Seedbed is installed in ${folder}`)
    yield oneVersion(packages)
    for (const { name, peerDependencies = {} } of packages) {
      for (const runner of ['vitest', 'jest'].filter(each => each in peerDependencies)) {
        const found = manifestOf(runner, folder)
        yield runnerFits(name, runner, found?.version, peerDependencies[runner]!)
      }
    }
    yield* copiesOfPg(folder)
  },
}

const ours = ['core', 'environments', 'vitest', 'jest'].map(name => `@seedbed/${name}`).concat('seedbed')

export function node(version: string): Found {
  if (isIn(version, '^20.19.0') || Number.parseInt(version, 10) > 20) return ok(`Node ${version}`)
  return problem(`Node ${version} is older than 20.19`, {
    why: 'Seedbed uses what it does not have.',
    wayOut: ['Install Node 20.19 or newer.'],
  })
}

export function oneVersion(packages: { name: string; version: string }[]): Found {
  const versions = [...new Set(packages.map(({ version }) => version))].toSorted()
  if (versions.length === 1) return ok(`${packages.map(({ name }) => name).join(', ')}: version ${versions[0]}`)
  return problem(
    `Seedbed's packages have several versions: ${packages.map(each => `${each.name} ${each.version}`).join(', ')}`,
    {
      why: 'They are made for each other in one version: a run’s workers and its main process would not understand each other.',
      wayOut: [`npm install -D ${packages.map(({ name }) => `${name}@${versions.at(-1)}`).join(' ')}`],
    },
  )
}

/** @param range of versions joined by `||`, each with a caret: all that our packages say */
export function runnerFits(adapter: string, runner: string, version: string | undefined, range: string): Found {
  if (version !== undefined && isIn(version, range)) return ok(`${runner} ${version}, with ${adapter}`)
  const found =
    version === undefined ? `${adapter} finds no ${runner}` : `${adapter} is not made for ${runner} ${version}`
  return problem(found, {
    why: `It has been tested with ${range}.`,
    wayOut: [`npm install -D ${runner}@${range.split('^').at(-1)!.split('.', 1)[0]}`],
  })
}

function* copiesOfPg(folder: string): Iterable<Found> {
  const [theirs, mine] = [manifestOf('pg', folder), manifestOf('pg', import.meta.dirname)]
  if (!theirs || !mine) return
  if (theirs.path === mine.path) yield ok(`one copy of pg: ${mine.version}`)
  else {
    yield warning(`there are two copies of pg: ${theirs.version} of the project, and ${mine.version} of Seedbed`, {
      why: 'Types that are set in one (pg.types.setTypeParser) do not hold in the other, so that `db` in tests may read values otherwise.',
      wayOut: [`npm install pg@${mine.version}`, 'npm dedupe'],
    })
  }
}

interface Manifest {
  name: string
  version: string
  peerDependencies?: Record<string, string>
  path: string
}

/** As a file in that folder would find it. */
function manifestOf(name: string, folder: string): Manifest | undefined {
  const paths = createRequire(join(folder, 'any.js')).resolve.paths(name) ?? []
  for (const path of paths) {
    const file = join(path, name, 'package.json')
    try {
      const manifest = JSON.parse(readFileSync(file, 'utf8')) as Omit<Manifest, 'path'>
      return { ...manifest, path: realpathSync(dirname(file)) }
    } catch {
      // Not there, or nothing that could be used.
    }
  }
  return undefined
}

function isIn(version: string, range: string): boolean {
  const numbers = (text: string) => text.split('-', 1)[0]!.split('.').map(Number)
  const [major = 0, minor = 0, patch = 0] = numbers(version)
  return range.split('||').some(part => {
    const [wanted = 0, least = 0, last = 0] = numbers(part.trim().slice(1))
    return major === wanted && (minor > least || (minor === least && patch >= last))
  })
}
