import { setTimeout as pause } from 'node:timers/promises'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { leftOnServer } from '@seedbed/postgres-for-tests/left-on-server'
import pg from 'pg'
import { settled } from './leftovers.js'
import { childrenOf, kill, workersOf } from './processes.js'
import type { Random } from './random.js'
import { endedInPatience, mustPass, startRun, type Driver, type Outcome, type Run } from './run.js'
import type { Site } from './site.js'

/** What befalls a run on a server that others run. Who is stopped goes on after longer than anything of ours waits. */
export const blows = [
  'main killed',
  'worker killed',
  'group killed',
  'main stopped',
  'worker stopped',
  'session stopped',
  'server restarted',
] as const
export type Blow = (typeof blows)[number]

export interface FireTally {
  blows: Record<Blow, number>
  /** Of the runs that were hit, those that passed all the same. */
  survived: number
  /** Runs that had to pass, and did: after a blow, or beside one. */
  passed: number
}

const stoppedFor = 11_000

/**
 * Starts runs on an external server, one blow each at a random moment, the kinds of blows in turn. Throws as soon as a test has
 * seen other rows than its own, a run that was not hit fails, any hangs, or something is left on the server in the end.
 */
export async function fireAtRuns(options: {
  site: Site
  driver: Driver
  random: Random
  enough: (blows: number) => boolean
  onBlow?: (tally: FireTally) => void
}): Promise<FireTally> {
  const { site, driver, random } = options
  const tally: FireTally = {
    blows: Object.fromEntries(blows.map(blow => [blow, 0])) as FireTally['blows'],
    survived: 0,
    passed: 0,
  }
  await using server = await startPostgres()
  await ask(server, "create role tester login createdb password 'x'")
  const start = () => startRun(site, driver, { server: server.urlFor({ user: 'tester', password: 'x' }) })
  mustPass(await start().ended)
  const usual = mustPass(await start().ended).milliseconds
  for (let count = 0; !options.enough(count); count++) {
    const blow = blows[count % blows.length]!
    const moment = (0.2 + 0.8 * random()) * usual
    try {
      if (random.chance(0.3)) site.become(random.oneOf([0, 1, 2]))
      const companion = random.chance(0.3) ? start() : undefined
      const run = start()
      await Promise.race([run.ended, pause(moment)])
      await strike(blow, { site, server, run, which: random() })
      tally.blows[blow] += 1
      const outcome = mayFail(await endedInPatience(run))
      if (outcome.exitCode === 0) tally.survived += 1
      // A server is everybody's.
      if (companion) (blow === 'server restarted' ? mayFail : mustPass)(await companion.ended)
      if (random.chance(0.5)) {
        mustPass(await start().ended)
        tally.passed += 1
      }
      options.onBlow?.(tally)
    } catch (error) {
      throw new Error(`blow ${count + 1}: ${blow} after ${Math.round(moment)} ms`, { cause: error })
    }
  }
  mustPass(await start().ended)
  const left = await leftOn(server)
  if (left.length > 0) throw new Error(`left behind: ${left.join('\nleft behind: ')}`)
  return tally
}

async function strike(
  blow: Blow,
  { site, server, run, which }: { site: Site; server: PostgresForTests; run: Run; which: number },
): Promise<void> {
  if (blow === 'server restarted') return server.crashAndRestart()
  const [target, verb] = blow.split(' ') as [string, 'killed' | 'stopped']
  const found = {
    main: () => [run.pid],
    group: () => [-run.pid],
    worker: () => workersOf(site, run.pid).map(({ pid }) => pid),
    session: () =>
      childrenOf(postmasterOf(server)).flatMap(({ pid, command }) => (/ tester /.test(command) ? [pid] : [])),
  }[target]!()
  const pid = found[Math.floor(which * found.length)] ?? run.pid
  if (verb === 'killed') return kill(pid)
  kill(pid, 'SIGSTOP')
  await pause(stoppedFor)
  kill(pid, 'SIGCONT')
}

const postmasterOf = ({ folder }: PostgresForTests) =>
  Number(readFileSync(join(folder, 'data/postmaster.pid'), 'utf8').split('\n')[0])

/** It was hit; but its tests never start on anything but their own rows. */
function mayFail(outcome: Outcome): Outcome {
  if (/AssertionError/.test(outcome.output)) throw new Error(`a test has seen other rows:\n${outcome.output}`)
  if (/still running after/.test(outcome.output)) throw new Error(`it hangs:\n${outcome.output}`)
  return outcome
}

async function leftOn(server: PostgresForTests): Promise<string[]> {
  const [administrator, registry] = [
    new pg.Client(server.url),
    new pg.Client(server.urlFor({ database: 'seedbed_registry' })),
  ]
  await administrator.connect()
  await registry.connect()
  try {
    return await settled(() => leftOnServer(administrator, registry))
  } finally {
    await administrator.end()
    await registry.end()
  }
}

async function ask(server: PostgresForTests, sql: string): Promise<void> {
  const client = new pg.Client(server.url)
  await client.connect()
  await client.query(sql)
  await client.end()
}
