import { lstat, readdir, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readRecord } from '../server/cluster-record.js'
import { exists, seedbedHome } from '../server/home.js'
import { hostIdentity, isSameHost, isSameMachineRebooted } from '../server/process-identity.js'
import { ok, problem, warning, type Check, type Found } from './finding.js'
import { sizeInWords } from './size-in-words.js'

const megabyte = 1024 * 1024

export const checkDisk: Check = {
  name: 'disk',
  about:
    'The size of the folder of SEEDBED_HOME, servers in it whose project is gone, and free space there and for temporary files: a warning under 1 GB, a problem under 200 MB. On a server of somebody else’s: how many templates and kept databases there are, and their size',
  async *run(shared) {
    const home = seedbedHome(process.env)
    if (await exists(home)) yield* inHome(home)
    for (const folder of new Set([home, tmpdir()])) {
      if (await exists(folder)) yield freeIn(folder, await freeBytes(folder))
    }
    const project = await shared.project()
    if (project.testUrl === undefined) return
    const { ask, templates } = await shared.testServer()
    const opened = await templates()
    const names = opened ? [...(await opened.list()), ...(await opened.listKept())].map(({ database }) => database) : []
    const rows = await ask<{ bytes: string }>(
      'select coalesce(sum(pg_catalog.pg_database_size(datname)), 0)::text as bytes from pg_catalog.pg_database where datname = any ($1)',
      [names],
    )
    const found = `${names.length} templates and kept databases on the tests’ server have ${sizeInWords(Number(rows[0]!.bytes))}`
    yield ok(found, { environment: project.test })
  },
}

/** @param free bytes */
export function freeIn(folder: string, free: number): Found {
  const found = `${sizeInWords(free)} are free in the file system of ${folder}`
  if (free >= 1024 * megabyte) return ok(found)
  return (free < 200 * megabyte ? problem : warning)(found, {
    why: 'A server whose disk is full stops, and a run with it.',
    wayOut: [`Make room: df -h ${folder}`, 'What lies in SEEDBED_HOME can be deleted while no run is on.'],
  })
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

async function* inHome(home: string): AsyncIterable<Found> {
  const { bytes, isWhole } = await sizeOf(home)
  yield ok(`${home} has ${isWhole ? '' : 'at least '}${sizeInWords(bytes)}`)
  const clusters = await readdir(join(home, 'clusters')).catch(() => [])
  const here = await hostIdentity()
  const gone: string[] = []
  for (const name of clusters) {
    const folder = join(home, 'clusters', name)
    // Another machine's project may lie where this one has none.
    const record = await readRecord(join(folder, 'cluster.json')).catch(() => undefined)
    const isOurs = record && (isSameHost(record.host, here) || isSameMachineRebooted(record.host, here))
    if (isOurs && !(await exists(record.projectFolder))) gone.push(folder)
  }
  if (gone.length === 0) return
  const shown = gone.slice(0, 5)
  const more = gone.length > shown.length ? [`… and ${gone.length - shown.length} more`] : []
  yield warning(`${gone.length} of ${clusters.length} servers in ${home} are of projects that are gone`, {
    why: 'Each takes some 25 MB or more. Runs remove those that nobody has started for 30 days.',
    wayOut: [...shown.map(folder => `rm -r ${folder}`), ...more],
  })
}

/** A cluster that runs makes and removes files meanwhile; what may not be read is not counted. */
async function sizeOf(folder: string): Promise<{ bytes: number; isWhole: boolean }> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined)
  if (!entries) return { bytes: 0, isWhole: false }
  const sizes = await Promise.all(
    entries.map(async entry => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return sizeOf(path)
      return { bytes: (await lstat(path).catch(() => undefined))?.size ?? 0, isWhole: true }
    }),
  )
  return {
    bytes: sizes.reduce((sum, each) => sum + each.bytes, 0),
    isWhole: sizes.every(each => each.isWhole),
  }
}
