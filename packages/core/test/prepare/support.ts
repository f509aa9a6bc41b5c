import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import type { ClusterRecord } from '../../src/server/cluster-record.js'
import { exists } from '../../src/server/home.js'
import { startRun } from '../../src/run/start-run.js'
import { writeFiles } from '../migrations/project.js'
import { onlyCluster, query, removeHome, testHome } from '../server/support.js'

/** A checkout as a CI has it, with SEEDBED_HOME inside. Of a test process there can be one at a time: it is a variable. */
export interface Checkout extends AsyncDisposable {
  folder: string
  home: string
}

const files = {
  'package.json': '{}',
  'migrations/1_users.sql': 'create table users (id int generated always as identity primary key, name text unique)',
  'seeds/users.json': JSON.stringify({ users: Array.from({ length: 500 }, (_, row) => ({ name: `user ${row}` })) }),
}

export async function checkout(more: Record<string, string> = {}): Promise<Checkout> {
  const place = await testHome({ name: 'seedbed-checkout-' })
  // Another name each time, since CIs give the same one only mostly.
  const folder = await mkdtemp(join(place.folder, 'shop-'))
  await chmod(folder, 0o711)
  await writeFiles(folder, { ...files, ...more })
  const home = join(folder, '.seedbed')
  process.env.SEEDBED_HOME = home
  return { folder, home, [Symbol.asyncDispose]: () => removeHome(place.folder, home) }
}

/** What a CI saves, as a file. */
export async function archive(from: Checkout): Promise<string> {
  const file = `${from.folder}.tar`
  // Of a running server, files may change while they are read, and sockets are left out: tar says 1 then.
  const args = ['--warning=no-file-ignored', '--warning=no-file-changed', '-cf', file, '.seedbed/clusters']
  await promisify(execFile)('tar', args, { cwd: from.folder })
  return file
}

/** Restores it in a checkout, and answers with the cluster's folder. */
export async function restore(file: string, to: Checkout): Promise<string> {
  await promisify(execFile)('tar', ['-xf', file], { cwd: to.folder })
  return onlyCluster(to.home)
}

/** A run as a runner makes it, with what it says, and what its first worker finds. */
export async function runOnce({ folder }: Checkout, slots = 2) {
  const lines: string[] = []
  const run = await startRun({ folder, slots, progress: line => lines.push(line) })
  const { url } = run.handle.workers[0]!
  const [users] = await query<{ count: number; last: string }>(
    url,
    'select count(*)::int as count, max(name) as last from users',
  )
  const { origin, templateBuilt, databases } = await run.close()
  return { origin, templateBuilt, databases, users, lines }
}

export const allUsers = { count: 500, last: 'user 99' }

/** A record that may become what no version of ours has written. */
type Changeable = Omit<ClusterRecord, 'format'> & { format: number }

export async function changeRecord(cluster: string, change: (record: Changeable) => void): Promise<void> {
  const file = join(cluster, 'cluster.json')
  const record = JSON.parse(await readFile(file, 'utf8')) as Changeable
  change(record)
  await writeFile(file, JSON.stringify(record))
}

/** Does something to each file of the table users, in the template and in the clones. */
export async function damageUsers(
  cluster: string,
  file: string,
  damage: (path: string) => Promise<void>,
): Promise<void> {
  const databases = await readdir(join(cluster, 'data/base'))
  const paths = databases.map(database => join(cluster, 'data/base', database, file))
  const there = await Promise.all(paths.map(exists))
  const found = paths.filter((_, index) => there[index])
  if (found.length < 2) throw new Error(`users is ${found.length} times there`)
  for (const path of found) await damage(path)
}

/** What its files are called. A clone that is looked into is not used again. */
export async function fileOfUsers({ folder }: Checkout): Promise<string> {
  const run = await startRun({ folder, slots: 1 })
  const [row] = await query<{ file: string }>(
    run.handle.workers[0]!.url,
    "select pg_relation_filepath('users') as file",
  )
  await run.close()
  return basename(row!.file)
}
