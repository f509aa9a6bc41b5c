import { join } from 'node:path'
import { inTurns, median, ratios } from '../measuring.mjs'
import { countRoundTrips } from '../round-trips.mjs'
import { writeSmallProject } from '../small/small-project.mjs'
import { startWay } from '../way-process.mjs'

export const title = 'Entering and leaving a test'
export const how = `One process with Seedbed's worker and one with a pg client that sends BEGIN and ROLLBACK, on two clones of one template of the same server, over its unix socket. Both run the same bodies, in turns; entering, body and leaving are timed apart. Round trips are counted by a proxy between client and server. With sequences: 'test' the 12 sequences of the schema are set back after each test. Promised is what entering and leaving cost, and with a trivial body the whole test. In a test with several statements Seedbed's body costs more than a bare client's: in front of each statement that follows another goes a savepoint, in the same round trip, so that an SQL error does not end the test; hand-written hooks have nothing of that.`

/** @returns {Promise<import('../report.mjs').Figure[]>} */
export async function measure({ project, place, quick }) {
  const folder = join(place, 'enter-leave')
  await writeSmallProject(folder)
  const { startRun } = await project.module('@seedbed/core')
  const run = await startRun({ folder, slots: 3 })
  try {
    return [...(await trips(run, project, place)), ...(await times(run, project, quick))]
  } finally {
    await run.close()
  }
}

async function trips({ handle }, project, place) {
  const [{ url }] = handle.workers
  const proxy = await countRoundTrips(place, decodeURIComponent(new URL(url).hostname))
  const workers = handle.workers.map(worker => ({ ...worker, url: proxy.through(worker.url) }))
  const count = async (way, setup) => {
    const isolated = await startWay(project.folder, way, setup)
    const of = async body => {
      await isolated.run(body, 10)
      return proxy.take() / 10
    }
    await isolated.run('one select', 1)
    proxy.take()
    const counts = {
      nothing: await of('nothing'),
      one: (await of('one select')) - 1,
      five: (await of('3 inserts, 2 selects')) - 5,
    }
    await isolated.close()
    return counts
  }
  const seedbed = await count('seedbed', { handle: { ...handle, workers }, slot: 1 })
  const byHand = await count('by-hand', { url: workers[1].url })
  await proxy.close()
  const figure = (name, key, promise) => ({
    name,
    value: seedbed[key],
    unit: 'round trips',
    ...(promise === undefined ? {} : { promise: { atMost: promise } }),
    compared: `by hand ${byHand[key]}`,
  })
  return [
    figure('round trips beside the body, one select', 'one', 1),
    figure('round trips beside the body, 3 inserts and 2 selects', 'five', 1),
    figure('round trips of a test that never asks', 'nothing', 0),
  ]
}

async function times({ handle }, project, quick) {
  const { default: pg } = await project.module('pg', 'lib/index.js')
  const measured = Object.fromEntries(
    Object.keys(batches).map(body => [body, { seedbed: [], byHand: [], setBack: [] }]),
  )
  // Several processes, since one and the same code can be compiled a little better or worse.
  for (let pair = 0; pair < (quick ? 1 : 3); pair++) {
    const seedbed = await startWay(project.folder, 'seedbed', { handle, slot: 1 })
    const byHand = await startWay(project.folder, 'by-hand', { url: handle.workers[1].url })
    const setBack = await startWay(project.folder, 'seedbed', { handle: { ...handle, sequences: 'test' }, slot: 3 })
    for (const [body, tests] of Object.entries(batches)) {
      const run = way => async () => {
        if (body !== 'one select') await vacuum(pg, handle)
        return way.run(body, tests)
      }
      const times = await inTurns(
        { seedbed: run(seedbed), byHand: run(byHand), setBack: run(setBack) },
        { rounds: quick ? 10 : 40, warmUps: 10 },
      )
      for (const way of ['seedbed', 'byHand', 'setBack']) measured[body][way].push(...times[way])
    }
    await Promise.all([seedbed.close(), byHand.close(), setBack.close()])
  }
  return Object.entries(measured).flatMap(([body, times]) => compared(body, times))
}

/** Tests at a time. Few, so that both ways meet the same moments of the machine. */
const batches = { 'one select': 200, '3 inserts, 2 selects': 40 }

/** Rows that were rolled back stay in the tables until then, and make the same query slower from round to round. */
async function vacuum(pg, { workers }) {
  for (const { url } of workers) {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query('vacuum')
    await client.end()
  }
}

function compared(body, { seedbed, byHand, setBack }) {
  const figure = (name, part, promise, way = seedbed) => {
    const { median: value, ...rest } = ratios(way.map(part), byHand.map(part))
    const µs = some => `${median(some.map(part)).toFixed(0)} µs`
    return {
      name: `${name}, ${body}`,
      value,
      unit: 'times',
      ...rest,
      ...(promise ? { promise: { below: promise } } : {}),
      compared: `${µs(way)} to ${µs(byHand)}`,
    }
  }
  return [
    figure('entering and leaving', ({ enter, leave }) => enter + leave, 1.1),
    figure('the whole test', whole, body === 'one select' ? 1.1 : undefined),
    figure('the body alone', ({ body: inside }) => inside),
    figure("the whole test with sequences: 'test'", whole, undefined, setBack),
  ]
}

const whole = ({ enter, body, leave }) => enter + body + leave
