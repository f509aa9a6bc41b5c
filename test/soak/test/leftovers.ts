import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { leftOnServer } from '@seedbed/postgres-for-tests/left-on-server'
import pg from 'pg'
import { openServer } from '../../../packages/core/dist/server/open-server.js'
import { kill, processesOf } from './processes.js'
import { passingRun, type Driver } from './run.js'
import type { Site } from './site.js'

/**
 * Lets runs pass after all the kills, and answers with what is left that should not be: sessions, locks, half-built and
 * unknown databases, folders, lock files and processes, a sentence each.
 */
export async function leftovers(site: Site, driver: Driver): Promise<string[]> {
  return [...(await leftAtRest(site, driver)), ...(await leftOnMachine(site, driver))]
}

/** This process holds the server, so that the run does not stop it and it can be asked. */
async function leftAtRest(site: Site, driver: Driver): Promise<string[]> {
  await using server = await openServer({ projectFolder: site.project, config: {}, home: site.home })
  await passingRun(site, driver)
  const client = new pg.Client(server.adminUrl)
  const registry = new pg.Client(server.adminUrl.replace(/\/postgres$/, '/seedbed_registry'))
  await client.connect()
  await registry.connect()
  try {
    return await settled(() => leftOnServer(client, registry, { except: `seedbed lease ${process.pid}` }))
  } finally {
    await client.end()
    await registry.end()
  }
}

/** The last one out stops the server; nothing runs or is held after it. */
async function leftOnMachine(site: Site, driver: Driver): Promise<string[]> {
  const { output } = await passingRun(site, driver)
  const found = output.includes('template reused') ? [] : [`the second run in a row has built a template:\n${output}`]
  if (!/[1-9] \D*recycled/.test(output)) found.push(`the second run in a row has recycled nothing:\n${output}`)
  const processes = await settled(async () => processesOf(site).map(({ pid, command }) => `process ${pid}: ${command}`))
  const folders = readdirSync(site.temporary)
    .filter(name => name.startsWith('seedbed-run-'))
    .map(name => `run folder ${name}`)
  const files = readdirSync(site.home, { recursive: true, encoding: 'utf8' })
  const locks = files
    .filter(name => /lock/.test(name) && !/\/data\/|\.s\.PGSQL/.test(name))
    .map(name => `lock file ${name}: ${readFileSync(join(site.home, name), 'utf8')}`)
  const halfMade = files.filter(name => /\.tmp-[^/]*$/.test(name)).map(name => `half-made ${name}`)
  return [...found, ...processes, ...folders, ...locks, ...halfMade]
}

/** What is still there when it has had ten seconds to go: a session that was just closed needs a moment. */
export async function settled(look: () => Promise<string[]>): Promise<string[]> {
  for (const start = Date.now(); ; await pause(50)) {
    const found = await look()
    if (found.length === 0 || Date.now() - start > 10_000) return found
  }
}

/** For the end of a soak that has failed: nothing of it goes on. */
export function killAll(site: Site): void {
  for (const { pid } of processesOf(site)) kill(pid)
}
