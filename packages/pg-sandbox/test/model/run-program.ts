import { isDeepStrictEqual } from 'node:util'
import { startPostgres, type PostgresMajor } from '@seedbed/postgres-for-tests'
import { openSandbox } from '../../src/index.js'
import { connectWire, type Reply, type WireClient } from '../wire/wire-client.js'
import { sync } from '../wire/requests.js'
import type { Step } from './program.js'
import { showStep } from './show-step.js'
import { everything, resetReal, resetSandbox, roles, schema, seedOnce } from './schema.js'

/** A real database and a sandbox, on which programs are run and compared. */
export interface Sides extends AsyncDisposable {
  /**
   * Runs a program on both, one statement at a time.
   *
   * @param watch.isLeftOut says which of its steps to pass over, where they stand
   * @param watch.onStep is told what the real database has answered
   * @returns the first difference as a text for people; undefined if there is none
   */
  compare(program: Step[], watch?: Watch): Promise<string | undefined>
}

/** Where the program stands. */
export interface Place {
  /** Of the client in a transaction; `I` if there is none. */
  status: Status
  /** The steps of that transaction that have succeeded. */
  done: Step[]
  /** How many it has refused since it failed. */
  refused: number
}

export type Status = 'I' | 'T' | 'E'

interface Watch {
  isLeftOut?(step: Step, place: Place): boolean
  onStep?(step: Step, replies: Reply[]): void
}

/** Where a program's clients connect to, and what stands around a program there. */
interface Side {
  url: string
  /** A client that stays from program to program. */
  onlooker: WireClient
  enter(): Promise<void>
  leave(): Promise<void>
  close(): Promise<void>
}

/** How long a statement may take, before it counts as one that never answers. */
const patience = 10_000

/** Of both. */
export const version = Number(process.env['PG_SANDBOX_POSTGRES'] ?? 18) as PostgresMajor

export async function openSides(): Promise<Sides> {
  const server = await startPostgres({ version })
  await using administrator = await connectWire({ url: server.url })
  await must(administrator, roles)
  for (const database of ['real', 'sandboxed']) {
    await must(administrator, `CREATE DATABASE ${database} OWNER app`)
    await using owner = await connectWire({ url: server.urlFor({ user: 'app', database }) })
    await must(owner, schema + seedOnce)
  }
  const real = await openReal(server.urlFor({ user: 'app', database: 'real' }))
  const sandboxed = server.urlFor({ user: 'app', database: 'sandboxed' })
  let sandbox = await openSandboxed(sandboxed)

  return {
    async compare(program, watch = {}) {
      const difference = await run(program, watch, { real, sandbox })
      if (difference !== undefined) {
        // Whatever is wrong with it shall not be there for the next program.
        await sandbox.close()
        sandbox = await openSandboxed(sandboxed)
      }
      return difference
    },
    async [Symbol.asyncDispose]() {
      await sandbox.close()
      await real.close()
      await server.stop()
    },
  }
}

async function openReal(url: string): Promise<Side> {
  const onlooker = await connectWire({ url })
  return {
    url,
    onlooker,
    enter: () => must(onlooker, resetReal),
    leave: async () => {},
    close: () => onlooker.close(),
  }
}

async function openSandboxed(url: string): Promise<Side> {
  const sandbox = await openSandbox({ url })
  await sandbox.enter('all programs')
  const onlooker = await connectWire({ url: sandbox.url })
  return {
    url: sandbox.url,
    onlooker,
    async enter() {
      await sandbox.enter('a program')
      await must(onlooker, resetSandbox)
    },
    async leave() {
      await sandbox.leave()
    },
    async close() {
      onlooker.vanish()
      await sandbox.close()
    },
  }
}

async function must(client: WireClient, sql: string): Promise<void> {
  const error = (await client.query(sql)).find(reply => reply.type === 'error')
  if (error) throw Object.assign(new Error(error.message), error)
}

/** A client of a program: its connection to each side. */
interface Pair {
  real: WireClient
  sandbox: WireClient
}

async function run(
  program: Step[],
  { isLeftOut, onStep }: Watch,
  { real, sandbox }: { real: Side; sandbox: Side },
): Promise<string | undefined> {
  const clients = new Map<number, Pair>()
  const log: string[] = []
  const differenceAt = (what: string, replies: { real: Reply[]; sandbox: Reply[] }) =>
    isDeepStrictEqual(comparable(replies.real), comparable(replies.sandbox))
      ? undefined
      : [...log, '', `${what}: the real server`, ...shown(replies.real), 'the sandbox', ...shown(replies.sandbox)].join(
          '\n',
        )

  const rows = async () => ({
    real: await real.onlooker.query(everything),
    sandbox: await sandbox.onlooker.query(everything),
  })
  await real.enter()
  await sandbox.enter()
  try {
    const difference = differenceAt('What the program before has left', await rows())
    if (difference !== undefined) return difference
    /** Who is in a transaction. */
    let holder: number | undefined
    let place = start
    for (const step of program) {
      if (isLeftOut?.(step, place)) continue
      const client = holder ?? step.client
      log.push(showStep({ ...step, client }))
      if ('leaves' in step) {
        const pair = clients.get(client)
        clients.delete(client)
        holder = undefined
        place = start
        await Promise.all([hangUp(pair?.real, step.leaves), hangUp(pair?.sandbox, step.leaves)])
        continue
      }
      let pair = clients.get(client)
      if (!pair) {
        pair = { real: await logIn(real, client), sandbox: await logIn(sandbox, client) }
        clients.set(client, pair)
        const difference = differenceAt('At its log-in', { real: reported(pair.real), sandbox: reported(pair.sandbox) })
        if (difference !== undefined) return difference
      }
      const replies = await both(pair, client => perform(client, step))
      const difference = differenceAt('The last step', replies)
      if (difference !== undefined) return difference
      onStep?.({ ...step, client }, replies.real)
      const last = replies.real.at(-1)
      place = last?.type === 'ready' ? after(place, step, last.status) : start
      holder = place.status === 'I' ? undefined : client
    }

    for (const pair of clients.values()) await Promise.all([pair.real.close(), pair.sandbox.close()])
    clients.clear()
    return differenceAt('The rows at the end', await rows())
  } catch (error) {
    return [...log, '', `It threw: ${(error as Error).stack}`].join('\n')
  } finally {
    for (const pair of clients.values()) {
      pair.real.vanish()
      pair.sandbox.vanish()
    }
    await real.leave()
    await sandbox.leave()
  }
}

const start: Place = { status: 'I', done: [], refused: 0 }

function after({ done, refused, ...before }: Place, step: Step, status: Status): Place {
  if (status === 'I') return start
  if (status === 'T') return { status, done: [...done, step], refused: 0 }
  return { status, done, refused: before.status === 'E' ? refused + 1 : 0 }
}

/** Each client asks for settings of its own, which a RESET goes back to. */
function logIn(side: Side, client: number): Promise<WireClient> {
  return connectWire({
    url: side.url,
    settings: {
      application_name: `client ${client}`,
      options: `-c app.who=client${client} -c work_mem=${client + 1}MB`,
    },
    timeout: patience,
  })
}

async function both(
  pair: Pair,
  act: (client: WireClient) => Promise<Reply[]>,
): Promise<{ real: Reply[]; sandbox: Reply[] }> {
  const [real, sandbox] = await Promise.all([act(pair.real), act(pair.sandbox).catch(silence)])
  return { real, sandbox }
}

/** What came before nothing came any more. */
function silence(error: Error & { replies?: Reply[] }): Reply[] {
  return [...(error.replies ?? []), { type: 'error', severity: 'NONE', code: '', message: error.message }]
}

async function perform(client: WireClient, step: Step): Promise<Reply[]> {
  if ('query' in step) return client.query(step.query)
  if ('pipeline' in step) return client.exchange(...step.pipeline, sync)
  if (!('copy' in step)) return []
  client.send({ send: 'query', text: step.copy })
  const replies = await client.receive('copyIn', 'ready')
  if (replies.at(-1)?.type !== 'copyIn') return replies
  for (const line of step.lines) client.send({ send: 'copyData', text: `${line}\n` })
  client.send(step.fail === undefined ? { send: 'copyDone' } : { send: 'copyFail', reason: step.fail })
  return [...replies, ...(await client.receive('ready'))]
}

async function hangUp(client: WireClient | undefined, how: 'politely' | 'without a word'): Promise<void> {
  if (how === 'politely') await client?.close()
  else client?.vanish()
}

function reported({ parameters }: WireClient): Reply[] {
  return [...parameters].map(([name, value]) => ({ type: 'parameter', name, value }))
}

/** A ParameterStatus may come at any moment before ReadyForQuery: only which come is compared. */
function comparable(replies: Reply[]): Reply[] {
  const parameters = replies.filter(({ type }) => type === 'parameter').map(reply => JSON.stringify(reply))
  return [
    ...replies.filter(({ type }) => type !== 'parameter'),
    ...parameters.sort().map(text => JSON.parse(text) as Reply),
  ]
}

function shown(replies: Reply[]): string[] {
  return comparable(replies).map(reply => `    ${JSON.stringify(reply)}`)
}
