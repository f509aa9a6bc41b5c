import { setTimeout as pause } from 'node:timers/promises'
import { kill, postmastersOf, processesOf, workersOf } from './processes.js'
import type { Random } from './random.js'
import { endedInPatience, longestRun, mustPass, passingRun, startRun, type Driver, type Run } from './run.js'
import type { Site } from './site.js'

/** `backend` is a process of the server, after whose death the server ends all sessions and recovers. */
export const victims = ['main', 'group', 'worker', 'server', 'backend'] as const
export type Victim = (typeof victims)[number]

export interface Tally {
  kills: Record<Victim, number>
  /** Runs that ended before they could be killed. */
  missed: number
  /** Runs that had to pass, and did: after a kill, or beside one. */
  passed: number
  /** Of those that came after a kill. */
  longest: { milliseconds: number; after: string }
}

/**
 * Kills runs at random moments until there is enough, and lets one pass in between. Throws, and says which kill it was
 * after, as soon as one that has to pass fails, or any hangs.
 */
export async function killRuns(options: {
  site: Site
  driver: Driver
  random: Random
  enough: (kills: number) => boolean
  onKill?: (tally: Tally) => void
}): Promise<Tally> {
  const { site, driver, random } = options
  const tally: Tally = {
    kills: { main: 0, group: 0, worker: 0, server: 0, backend: 0 },
    missed: 0,
    passed: 0,
    longest: { milliseconds: 0, after: '' },
  }
  await passingRun(site, driver)
  let usual = (await passingRun(site, driver)).milliseconds
  let kills = 0
  const history: string[] = []
  while (!options.enough(kills)) {
    const said: string[] = []
    history.push('')
    const say = (text: string) => {
      said.push(text)
      history.splice(-1, 1, said.join(', '))
    }
    try {
      if (random.chance(0.3)) site.become(random.oneOf([0, 1, 2, 3, 4, 5]))
      if (random.chance(0.06)) {
        site.emptyHome()
        say('home emptied')
      }
      const victim = random.chance(0.75)
        ? random.oneOf(['main', 'group', 'worker'] as const)
        : random.oneOf(['server', 'backend'] as const)
      // A server's death is felt by all its runs.
      const isFelt = victim === 'server' || victim === 'backend'
      const companion = random.chance(0.2) && !isFelt ? startRun(site, driver) : undefined
      const moment = (0.1 + 0.9 * random()) * usual * (companion ? 1.5 : 1)
      const run = startRun(site, driver, { commits: random.chance(0.25) })
      // Drawn in any case, so that the choices of a seed do not depend on what could be killed.
      const which = random()
      say(`${victim} killed after ${Math.round(moment)} ms${companion ? ' beside another run' : ''}`)
      const isOver = await Promise.race([run.ended.then(() => true), pause(moment, false)])
      const killed = isOver ? undefined : killVictim(site, run, victim, which)
      if (killed) {
        tally.kills[killed] += 1
        kills += 1
      } else tally.missed += 1
      const outcome = await (killed === 'worker' && driver === 'vitest' ? endedInPatience(run) : run.ended)
      if (outcome.milliseconds > longestRun)
        throw new Error(`the run whose ${victim} was killed hangs:\n${outcome.output}`)
      if (companion) {
        mustPass(await companion.ended)
        tally.passed += 1
      }
      if (random.chance(0.35)) {
        const { milliseconds } = mustPass(await startRun(site, driver).ended)
        tally.passed += 1
        if (milliseconds > tally.longest.milliseconds) tally.longest = { milliseconds, after: said.join(', ') }
        say('then a run that passed')
        usual = usual * 0.8 + milliseconds * 0.2
      }
      options.onKill?.(tally)
    } catch (error) {
      throw new Error(`after ${kills} kills, the last of them:\n${history.slice(-6).join('\n')}`, { cause: error })
    }
  }
  return tally
}

/** Kills what there is: a run that has no worker or server yet loses its main process. */
function killVictim(site: Site, run: Run, victim: Victim, which: number): Victim {
  const choice = {
    main: () => [run.pid],
    group: () => [-run.pid],
    worker: () => workersOf(site, run.pid).map(({ pid }) => pid),
    server: () => postmastersOf(site).map(({ pid }) => pid),
    backend: () => {
      const servers = postmastersOf(site).map(({ pid }) => pid)
      return processesOf(site)
        .filter(({ parent }) => servers.includes(parent))
        .map(({ pid }) => pid)
    },
  }[victim]()
  const [pid, killed] =
    choice.length > 0 ? [choice[Math.floor(which * choice.length)]!, victim] : [run.pid, 'main' as const]
  kill(pid)
  return killed
}
