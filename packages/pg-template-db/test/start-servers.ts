import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { startPostgres, type PostgresMajor } from '@seedbed/postgres-for-tests'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Superuser's URL by major version; `maker` is a role with LOGIN and CREATEDB and no more. */
    servers: Record<PostgresMajor, string>
  }
}

/** One server of each version for all test files; a test keeps to itself by a registry of its own. */
export default async function startServers({ provide }: TestProject): Promise<() => Promise<void>> {
  await buildForPrograms()
  const majors: PostgresMajor[] = [15, 16, 17, 18]
  const servers = await Promise.all(
    majors.map(version => startPostgres({ version, settings: { max_prepared_transactions: '5' } })),
  )
  for (const server of servers) {
    const client = new Client(server.url)
    await client.connect()
    await client.query('create role maker login createdb')
    await client.end()
  }
  provide(
    'servers',
    Object.fromEntries(majors.map((major, index) => [major, servers[index]?.url])) as Record<PostgresMajor, string>,
  )
  return async () => {
    await Promise.all(servers.map(server => server.stop()))
  }
}

/** The programs that tests start and kill are JavaScript, and import what `tsc -b` has made. */
async function buildForPrograms(): Promise<void> {
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
  await promisify(execFile)(process.execPath, [tsc, '-b', fileURLToPath(new URL('..', import.meta.url))])
}
