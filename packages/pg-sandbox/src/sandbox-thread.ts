import { parentPort, workerData } from 'node:worker_threads'
import { errorFrom, partsOf } from './errors.js'
import type { MaintenanceQuery } from './maintain.js'
// From the entry: packed, it is the file that holds it.
import { openSandbox } from './index.js'
import type { SandboxOptions } from './open-sandbox.js'
import type { Answer, Call, Opened, Question } from './own-thread.js'

/* The other side of own-thread.ts: a sandbox in a thread of its own, and what it is asked for. */

const options = workerData as SandboxOptions
const port = parentPort!

try {
  const sandbox = await openSandbox({ ...options, ownThread: false })
  const urls = new Map(Object.keys(options.users ?? {}).map(user => [user, sandbox.urlOf(user)]))
  urls.set(decodeURIComponent(new URL(sandbox.url).username), sandbox.url)
  let lent: { query: MaintenanceQuery; giveBack(): void; done: Promise<void> } | undefined

  const asked = new Map<number, { resolve(url: string): void; reject(error: Error): void }>()
  function askPlace(scope: number): Promise<string> {
    return new Promise((resolve, reject) => {
      asked.set(scope, { resolve, reject })
      port.postMessage({ placeOf: scope } satisfies Question)
    })
  }

  async function answer(call: Call): Promise<unknown> {
    switch (call.call) {
      case 'enter':
        return sandbox.enter(call.scope, {
          direct: call.direct === null ? null : call.direct ? () => askPlace(call.id) : undefined,
        })
      case 'place': {
        const { resolve, reject } = asked.get(call.scope)!
        return call.error ? reject(errorFrom(call.error)) : resolve(call.url!)
      }
      case 'refresh':
        return sandbox.refresh()
      case 'disconnect':
        return sandbox.disconnect()
      case 'leave':
        return sandbox.leave(call.options)
      case 'close':
        return sandbox.close()
      case 'query':
        return lent!.query(call.text, call.values)
      case 'maintain':
        return new Promise<void>((resolve, reject) => {
          const done = sandbox.maintain(
            query =>
              new Promise<void>(giveBack => {
                lent = { query, giveBack, done }
                resolve()
              }),
          )
          done.catch(reject)
        })
      default:
        lent!.giveBack()
        return lent!.done
    }
  }

  async function reply(call: Call): Promise<void> {
    const result = await answer(call).then(
      value => ({ value }),
      (error: Error) => ({ error: partsOf(error) }),
    )
    if (call.call === 'place') return
    const { sessions, used, direct, escaped } = sandbox
    port.postMessage({ id: call.id, ...result, state: { sessions, used, direct, escaped } } satisfies Answer)
  }

  port.on('message', (call: Call) => void reply(call))
  port.postMessage({ url: sandbox.url, urls } satisfies Opened)
} catch (error) {
  port.postMessage({ error: partsOf(error as Error) } satisfies Opened)
}
