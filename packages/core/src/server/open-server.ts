import type { SeedbedConfig } from '../config/config.js'
import { printableUrl } from './database-url.js'
import { seedbedHome } from './home.js'
import type { Server } from './server.js'

export interface OpenServerOptions {
  /** Absolute: the folder of the config or package.json. */
  projectFolder: string
  config: Pick<SeedbedConfig, 'server'>
  /** The URL of `environments.test`, if it has one: that server is somebody else's, and goes before `server`. */
  testUrl?: string | undefined
  /** How many shall find room on a server of somebody else's. @default 1 */
  workers?: number
  /** Where embedded servers, and the locks of containers, are kept. @default `seedbedHome(process.env)` */
  home?: string
  /** Told in a few words what is being done or waited for, so that nobody wonders. */
  progress?: (line: string) => void
  /** Whether an embedded server's cluster is to be archived. @default false */
  cached?: boolean
  /** Called, perhaps twice, when there is nothing to do but to wait for an embedded or external server: a time for work of one's own. */
  meanwhile?: () => void
}

/**
 * The server of the test environment: the one that `environments.test` (by default TEST_DATABASE_URL) names, else one that
 * Seedbed starts. Never the one of DATABASE_URL. Disposing gives up this process's hold on it.
 *
 * @throws the errors of this room, `SERVER_…`
 * @example await using server = await openServer({ projectFolder: '/home/ada/shop', config: {} })
 */
export async function openServer(options: OpenServerOptions): Promise<Server> {
  const { projectFolder, config, home, progress = () => {}, cached = false, meanwhile } = options
  const { testUrl } = options
  // Each kind is loaded when it is wanted: importing `pg` alone takes as long as attaching.
  if (testUrl !== undefined) {
    const { openExternal } = await import('./external.js')
    const opening = openExternal(testUrl, options)
    meanwhile?.()
    return opening
  }
  if (config.server === undefined || config.server === 'embedded') {
    const { openEmbedded } = await import('./embedded.js')
    return openEmbedded({
      projectFolder,
      home: home ?? seedbedHome(process.env),
      progress,
      cached,
      ...(meanwhile && { meanwhile }),
    })
  }
  const { openContainer } = await import('./container.js')
  return openContainer({ projectFolder, config, home: home ?? seedbedHome(process.env), progress })
}

/**
 * Which server that is, before anything is done with it.
 *
 * @example describeTestServer({ config: { server: 'container' } }) // 'a server in a container'
 */
export function describeTestServer({ config, testUrl }: Pick<OpenServerOptions, 'config' | 'testUrl'>): string {
  if (testUrl !== undefined) return printableUrl(testUrl)
  const isEmbedded = config.server === undefined || config.server === 'embedded'
  return isEmbedded ? 'the PostgreSQL from npm' : 'a server in a container'
}
