import { inspect } from 'node:util'
import type { Seeds } from '../seeds/seed-types.js'
import type { Db } from './db.js'
import { currentWorker } from './open-worker.js'

/**
 * The client of whatever scope is running: file, suite or test. For `beforeAll`, hooks and helpers.
 *
 * @throws DB_OUTSIDE_RUN outside of a run; see `Db.query` for the rest
 * @example beforeAll(() => db.query("insert into author (name) values ('Ada')"))
 */
export const db: Db = {
  get query() {
    return currentWorker('db').db.query
  },
}

// Node prints a proxy's target, and not what the proxy answers.
const printed = Object.defineProperty({}, inspect.custom, {
  configurable: true,
  value: () => currentWorker('seeds').seeds,
})

/**
 * The labelled rows of the seeds, as the database holds them: `seeds.author.ada.id`.
 *
 * @throws DB_OUTSIDE_RUN outside of a run
 */
export const seeds: Seeds = new Proxy(printed, {
  get: (_, table) => Reflect.get(currentWorker('seeds').seeds, table) as unknown,
  has: (_, table) => Reflect.has(currentWorker('seeds').seeds, table),
  ownKeys: () => Reflect.ownKeys(currentWorker('seeds').seeds),
  getOwnPropertyDescriptor: (_, table) => {
    const descriptor = Reflect.getOwnPropertyDescriptor(currentWorker('seeds').seeds, table)
    return descriptor && { ...descriptor, configurable: true }
  },
})
