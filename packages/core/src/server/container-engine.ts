import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { containerErrors } from './container-errors.js'

/** The container engine that testcontainers finds: Docker, Podman or what DOCKER_HOST names. */
export interface ContainerEngine {
  /** Pulls an image that is not there, and answers with the id of what its name stands for now. */
  provide(image: string, progress: (line: string) => void): Promise<string>
  /** All containers with a label, running or not. */
  find(label: string, value: string): Promise<EngineContainer[]>
  /** Starts a PostgreSQL and waits for `ready`; if that fails, the container is removed. */
  start(plan: ContainerPlan, ready: (container: EngineContainer) => Promise<void>): Promise<void>
}

export interface ContainerPlan {
  image: string
  labels: Record<string, string>
  user: string
  password: string
  environment: Record<string, string>
  command: string[]
  /** Folders kept in memory. */
  memory: string[]
}

export interface EngineContainer {
  /** Short, as `docker ps` shows it. */
  id: string
  labels: Record<string, string>
  environment: Record<string, string | undefined>
  /** Where its PostgreSQL is reached; undefined if it does not run. */
  address(): Promise<{ host: string; port: number } | undefined>
  /** The last lines that it has printed. */
  log(): Promise<string>
  remove(): Promise<void>
}

/**
 * Finds the engine by way of the project's own `@testcontainers/postgresql`.
 *
 * @throws `SERVER_CONTAINER_PACKAGE`, `SERVER_CONTAINER_ENGINE`
 * @example const engine = await openEngine('/home/ada/shop')
 */
export async function openEngine(projectFolder: string): Promise<ContainerEngine> {
  const { PostgreSqlContainer, getContainerRuntimeClient, ImageName } = load(projectFolder)
  const runtime = await getContainerRuntimeClient().catch(async (cause: Error) => {
    throw containerErrors.SERVER_CONTAINER_ENGINE({ problem: (await closedSocket()) ?? cause.message }, { cause })
  })
  const { dockerode } = runtime.container
  const { host, publishOn } = await wherePublished(dockerode, runtime.info.containerRuntime.host)

  return {
    async provide(image, progress) {
      const name = ImageName.fromString(image)
      try {
        if (!(await runtime.image.exists(name))) {
          progress(`pulling the image ${image}`)
          await runtime.image.pull(name)
        }
        return (await runtime.image.inspect(name)).Id
      } catch (cause) {
        throw containerErrors.SERVER_CONTAINER_IMAGE({ image, problem: (cause as Error).message }, { cause })
      }
    },
    async find(label, value) {
      const found = await dockerode.listContainers({ all: true, filters: { label: [`${label}=${value}`] } })
      const containers = await Promise.all(found.map(({ Id }) => describe(dockerode.getContainer(Id), host)))
      return containers.filter(container => container !== undefined)
    },
    async start(plan, ready) {
      const container = new PostgreSqlContainer(plan.image)
        .withUsername(plan.user)
        .withPassword(plan.password)
        .withDatabase('postgres')
        .withEnvironment(plan.environment)
        .withCommand(plan.command)
        .withLabels(plan.labels)
        .withTmpFs(Object.fromEntries(plan.memory.map(folder => [folder, 'rw'])))
        // Else Ryuk removes it when the process that started it ends, though others use it.
        .withAutoCleanup(false)
        // The usual one runs a program in the container four times a second for as long as it lives.
        .withHealthCheck({ test: ['NONE'] })
        .withWaitStrategy(
          waitFor(async started => {
            const described = await describe(started, host)
            if (!described) throw new Error('it was removed while it started')
            await ready(described)
          }),
        )
      if (publishOn) setPublishedAddress(container, publishOn)
      await container.start()
    },
  }
}

/**
 * Where ports are reached from here, and the one address of the engine's machine to publish them on: loopback if that
 * is this machine, its bridge's address if this process is in a container beside the engine. None if the engine is
 * somewhere else: then the password alone protects the port.
 */
async function wherePublished(dockerode: Dockerode, host: string): Promise<{ host: string; publishOn?: string }> {
  // Not `localhost`, which may be ::1 first, where the port can be somebody else's.
  const loopback = { host: '127.0.0.1', publishOn: '127.0.0.1' }
  if (['localhost', '127.0.0.1', '::1'].includes(host)) return loopback
  // testcontainers takes a machine that was made of an image for a container, because of a file which that leaves there.
  if ((await dockerode.info()).Name === hostname()) return loopback
  const networks = await dockerode.listNetworks()
  const gateways = networks.flatMap(({ IPAM }) => IPAM?.Config ?? []).map(({ Gateway }) => Gateway)
  return gateways.includes(host) ? { host, publishOn: host } : { host }
}

/** Without an address, Docker publishes on all of the machine's; testcontainers offers no option for it. */
function setPublishedAddress(container: PostgreSqlContainer, address: string): void {
  const { hostConfig } = container as unknown as { hostConfig: { PortBindings: Record<string, { HostIp?: string }[]> } }
  for (const binding of Object.values(hostConfig.PortBindings).flat()) binding.HostIp = address
}

function waitFor(waitUntilReady: (container: DockerContainer) => Promise<void>): WaitStrategy {
  const strategy: WaitStrategy = {
    waitUntilReady,
    withStartupTimeout: () => strategy,
    isStartupTimeoutSet: () => true,
    getStartupTimeout: () => 0,
  }
  return strategy
}

/** Undefined if it has gone meanwhile. */
async function describe(container: DockerContainer, host: string): Promise<EngineContainer | undefined> {
  const inspection = await inspect(container)
  if (!inspection) return undefined
  return {
    id: container.id.slice(0, 12),
    labels: inspection.Config.Labels,
    environment: Object.fromEntries(inspection.Config.Env.map(entry => entry.split(/=(.*)/s, 2) as [string, string])),
    async address() {
      const now = await inspect(container)
      if (now?.State.Status !== 'running') return undefined
      const published = now.NetworkSettings.Ports['5432/tcp'] ?? []
      const port = (published.find(({ HostIp }) => !HostIp.includes(':')) ?? published[0])?.HostPort
      return port ? { host, port: Number(port) } : undefined
    },
    async log() {
      return withoutFrames(await container.logs({ stdout: true, stderr: true, tail: 15 })).trim()
    },
    async remove() {
      await container.remove({ force: true, v: true }).catch((error: Error & { statusCode?: number }) => {
        // 404: gone; 409: being removed.
        if (error.statusCode !== 404 && error.statusCode !== 409) throw error
      })
    },
  }
}

async function inspect(container: DockerContainer): Promise<Inspection | undefined> {
  return container.inspect().catch((error: Error & { statusCode?: number }) => {
    if (error.statusCode === 404) return undefined
    throw error
  })
}

/** Docker sends what a container prints in frames with a head of 8 bytes, the last 4 of which are the length. */
function withoutFrames(bytes: Buffer): string {
  const texts: string[] = []
  for (let at = 0; at + 8 <= bytes.length;) {
    const end = at + 8 + bytes.readUInt32BE(at + 4)
    texts.push(bytes.toString('utf8', at + 8, end))
    at = end
  }
  return texts.join('')
}

/** testcontainers keeps to itself why it found no engine; this is the reason that most often needs saying. */
async function closedSocket(): Promise<string | undefined> {
  const socket = '/var/run/docker.sock'
  return access(socket, constants.R_OK | constants.W_OK).then(
    () => undefined,
    (error: NodeJS.ErrnoException) =>
      error.code === 'EACCES' ? `this user may not use ${socket} (is it in the group docker?)` : undefined,
  )
}

function load(projectFolder: string): Testcontainers {
  const fail = (problem: string, cause?: unknown) =>
    containerErrors.SERVER_CONTAINER_PACKAGE({ folder: projectFolder, problem }, { cause })
  const fromProject = createRequire(join(projectFolder, 'package.json'))
  let file: string
  try {
    file = fromProject.resolve('@testcontainers/postgresql')
  } catch (error) {
    throw fail('it is not installed', error)
  }
  let loaded: Testcontainers
  try {
    loaded = { ...(fromProject(file) as Testcontainers), ...(createRequire(file)('testcontainers') as Testcontainers) }
  } catch (error) {
    throw fail((error as Error).message, error)
  }
  // New in 11.14.
  if (!('withAutoCleanup' in loaded.PostgreSqlContainer.prototype)) throw fail('its version is older than 11.14')
  return loaded
}

/** The slice of testcontainers and dockerode that is used here; the package is the project's, not ours. */
interface Testcontainers {
  PostgreSqlContainer: { new (image: string): PostgreSqlContainer; prototype: object }
  getContainerRuntimeClient(this: void): Promise<{
    info: { containerRuntime: { host: string } }
    container: { dockerode: Dockerode }
    image: {
      exists(name: ImageName): Promise<boolean>
      pull(name: ImageName): Promise<void>
      inspect(name: ImageName): Promise<{ Id: string }>
    }
  }>
  ImageName: { fromString(text: string): ImageName }
}

interface Dockerode {
  info(): Promise<{ Name: string }>
  listNetworks(): Promise<{ IPAM?: { Config?: { Gateway?: string }[] | null } }[]>
  listContainers(options: { all: boolean; filters: { label: string[] } }): Promise<{ Id: string }[]>
  getContainer(id: string): DockerContainer
}

interface PostgreSqlContainer {
  withUsername(name: string): this
  withPassword(password: string): this
  withDatabase(name: string): this
  withEnvironment(environment: Record<string, string>): this
  withCommand(command: string[]): this
  withLabels(labels: Record<string, string>): this
  withTmpFs(folders: Record<string, string>): this
  withAutoCleanup(autoCleanup: boolean): this
  withHealthCheck(check: { test: string[] }): this
  withWaitStrategy(strategy: WaitStrategy): this
  start(): Promise<unknown>
}

interface WaitStrategy {
  waitUntilReady(container: DockerContainer): Promise<void>
  withStartupTimeout(milliseconds: number): WaitStrategy
  isStartupTimeoutSet(): boolean
  getStartupTimeout(): number
}

interface DockerContainer {
  id: string
  inspect(): Promise<Inspection>
  logs(options: { stdout: boolean; stderr: boolean; tail: number }): Promise<Buffer>
  remove(options: { force: boolean; v: boolean }): Promise<void>
}

interface Inspection {
  Config: { Labels: Record<string, string>; Env: string[] }
  State: { Status: string }
  NetworkSettings: { Ports: Record<string, { HostIp: string; HostPort: string }[] | null> }
}

interface ImageName {
  string: string
}
