import { createHash } from 'node:crypto'
import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { SeedbedConfig } from '../config/config.js'
import { SeedbedError } from '@seedbed/environments/errors'
import { randomPassword } from './cluster-record.js'
import { openEngine, type ContainerEngine, type EngineContainer } from './container-engine.js'
import { containerErrors } from './container-errors.js'
import { urlOf, type Endpoint } from './endpoint.js'
import { explainFailure } from './explain-failure.js'
import { underLock } from './file-lock.js'
import { makePassableFolder } from './home.js'
import { isAlone, makeApplicationRole } from './lease.js'
import { tryToConnect, type Lease } from './postmaster.js'
import { hostIdentity } from './process-identity.js'
import type { Server } from './server.js'
import { serverUser } from './server-user.js'
import { administrator, applicationRole, settings } from './settings.js'

export interface ContainerOptions {
  /** Absolute. */
  projectFolder: string
  config: Pick<SeedbedConfig, 'server'>
  /** Where the lock is kept: processes that share a home share a container. */
  home: string
  progress: (line: string) => void
}

/** What a project's container is found by: `docker ps --filter label=dev.seedbed.project`. */
const projectLabel = 'dev.seedbed.project'
/** What it was made of; one that was made of something else is not used. */
const contentLabel = 'dev.seedbed.content'
/** For people. */
const folderLabel = 'dev.seedbed.folder'

/** An image whose entry point has to make the folder itself works with either layout of the official ones. */
const dataRoot = '/var/lib/seedbed'

const environment = {
  PGDATA: `${dataRoot}/data`,
  // No way in without a password, also from within the container. The locale is the nearest to the embedded server's
  // that every version and C library knows: order by code point.
  POSTGRES_INITDB_ARGS: '--auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --no-sync',
}

/** The embedded server's settings; these two are not known before PostgreSQL 18, and older ones would not start. */
const { io_method: _method, autovacuum_worker_slots: _slots, ...knownToAll } = settings
const command = ['postgres', ...Object.entries(knownToAll).flatMap(([name, value]) => ['-c', `${name}=${value}`])]

/** For its whole start, initdb included, on a slow machine. */
const answersWithin = 120_000

/**
 * A PostgreSQL in a container, started with the project's own `@testcontainers/postgresql`. All runs of a project that
 * are on at the same time share one: whoever comes first starts it, under a lock file, the last one out removes it, or
 * leaves it for the next run with `reuse`. Who is there is known from the server itself: each run holds a session, which
 * ends with its process however it dies. What a killed run has left is found by its label, and used or removed.
 *
 * The data are in the container's memory. The port has a password, and is published on loopback only where the engine is
 * on this machine.
 *
 * @throws errors of container-errors.ts; `SERVER_LOCK_HELD`
 * @example
 * const config = { server: { container: { image: 'postgres:17-alpine', reuse: true } } }
 * await using server = await openContainer({ projectFolder, config, home, progress: console.log })
 */
export async function openContainer({ projectFolder, config, home, progress }: ContainerOptions): Promise<Server> {
  const options = typeof config.server === 'object' ? config.server.container : {}
  const { image = 'postgres:18-alpine', reuse = false } = options
  try {
    const [folder, user, host] = await Promise.all([realpath(projectFolder), serverUser(), hostIdentity()])
    const engine = await openEngine(folder)
    // Before the lock is taken: a pull can last longer than anybody would wait for it.
    const imageId = await engine.provide(image, progress)
    const locks = join(home, 'containers')
    for (const path of [home, locks]) await makePassableFolder(path, user)
    // The machine too: one engine can serve several, whose locks do not meet.
    const project = hashOf([folder, await realpath(home), host.machine])
    const place: Place = {
      engine,
      image,
      reuse,
      progress,
      lock: join(locks, `${project}.lock`),
      labels: {
        [projectLabel]: project,
        [contentLabel]: hashOf([imageId, environment, command]),
        [folderLabel]: folder,
      },
    }
    return await underLock(
      place.lock,
      () => open(place),
      pid => progress(`waiting for pid ${pid}, which starts or stops the container`),
    )
  } catch (error) {
    throw await explainFailure(error, home)
  }
}

interface Place {
  engine: ContainerEngine
  image: string
  reuse: boolean
  progress: (line: string) => void
  lock: string
  labels: Record<string, string>
}

/** A session of the administrator on a container's server. */
interface Session {
  container: EngineContainer
  endpoint: Endpoint
  lease: Lease
}

/** Under the lock. */
async function open(place: Place): Promise<Server> {
  const found = await attach(place)
  const { container, endpoint, lease } = found ?? (await start(place))
  const { administratorPassword, applicationPassword } = passwordsOf(container)
  try {
    const version = await versionOf(lease, place.image)
    await makeApplicationRole(lease, applicationPassword)
    // A run that ends without giving the server up shall end all the same.
    lease.unref()
    let given: Promise<void> | undefined
    return {
      kind: 'container',
      description: `PostgreSQL ${version} in a container of ${place.image}`,
      version,
      origin: found ? 'attached' : 'initialised',
      adminUrl: urlOf(endpoint, administrator, administratorPassword, 'postgres'),
      applicationUrl: urlOf(endpoint, applicationRole, applicationPassword, 'postgres'),
      passwordIn: `SEEDBED_APPLICATION_PASSWORD in the environment of the container ${container.id}`,
      copy: 'file_copy',
      [Symbol.asyncDispose]: () => (given ??= giveUp(place, container, lease)),
    }
  } catch (error) {
    await lease.end()
    if (!found) await container.remove()
    throw error
  }
}

/**
 * A session on the project's running container. Others that bear its label were left by a killed run, or made of another
 * image: they are removed, unless a run uses them.
 */
async function attach(place: Place): Promise<Session | undefined> {
  let attached: Session | undefined
  for (const container of await place.engine.find(projectLabel, place.labels[projectLabel] ?? '')) {
    const session = await connect(container)
    if (session && !attached && container.labels[contentLabel] === place.labels[contentLabel]) {
      attached = session
      continue
    }
    const isUsed = session && !(await isAlone(session.lease, {}))
    await session?.lease.end()
    if (isUsed) continue
    place.progress(`removing the container ${container.id}, which nobody uses`)
    await container.remove()
  }
  return attached
}

async function start({ engine, image, labels, progress }: Place): Promise<Session> {
  progress(`starting a container of ${image}`)
  const password = randomPassword()
  let session: Session | undefined
  try {
    await engine.start(
      {
        image,
        labels,
        user: administrator,
        password,
        // Kept with the container, so that there is no file which could be lost or not fit it.
        environment: { ...environment, SEEDBED_APPLICATION_PASSWORD: randomPassword() },
        command,
        memory: [dataRoot],
      },
      async container => {
        session = await connect(container)
        if (!session) throw containerErrors.SERVER_CONTAINER_DID_NOT_START({ image, problem: await container.log() })
      },
    )
  } catch (cause) {
    const lastWords = await removeEnded(engine, labels)
    if (cause instanceof SeedbedError) throw cause
    const problem = lastWords || (cause as Error).message
    throw containerErrors.SERVER_CONTAINER_DID_NOT_START({ image, problem }, { cause })
  }
  if (!session) throw new Error('testcontainers has not waited for the container')
  return session
}

/** testcontainers leaves those that ended before it waited for them, or could not be started for want of a port. */
async function removeEnded(engine: ContainerEngine, labels: Record<string, string>): Promise<string> {
  const logs: string[] = []
  for (const container of await engine.find(projectLabel, labels[projectLabel] ?? '')) {
    if (await container.address()) continue
    logs.push(await container.log())
    await container.remove()
  }
  return logs.join('\n')
}

/** A session, after waiting for a server that starts; none if the container ends or does not answer. */
async function connect(container: EngineContainer): Promise<Session | undefined> {
  for (const begin = Date.now(); Date.now() - begin < answersWithin; await pause(20)) {
    const address = await container.address()
    if (!address) return undefined
    const endpoint: Endpoint = { ...address, settings: {}, access: '' }
    const lease = await tryToConnect(endpoint, passwordsOf(container).administratorPassword).catch((cause: Error) => {
      throw containerErrors.SERVER_CONTAINER_REFUSES({ container: container.id, problem: cause.message }, { cause })
    })
    if (typeof lease !== 'string') return { container, endpoint, lease }
  }
  return undefined
}

async function versionOf(lease: Lease, image: string): Promise<string> {
  const { rows } = await lease.query<{ version: string; number: number }>(`
    select split_part(current_setting('server_version'), ' ', 1) as version,
           current_setting('server_version_num')::int as number`)
  const { version = '', number = 0 } = rows[0] ?? {}
  if (number < 150_000) throw containerErrors.SERVER_CONTAINER_TOO_OLD({ image, version })
  return version
}

/** Ends this run's session and, if no other session is left, removes the container. */
async function giveUp(place: Place, container: EngineContainer, lease: Lease): Promise<void> {
  lease.ref()
  if (place.reuse) {
    await lease.end().catch(() => {})
    return
  }
  await underLock(place.lock, async () => {
    const isLast = await isAlone(lease, { again: async () => (await connect(container))?.lease })
    await lease.end().catch(() => {})
    if (isLast) await container.remove()
  })
}

function passwordsOf({ environment: known }: EngineContainer) {
  return {
    administratorPassword: known.POSTGRES_PASSWORD ?? '',
    applicationPassword: known.SEEDBED_APPLICATION_PASSWORD ?? '',
  }
}

function hashOf(parts: unknown): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)
}
