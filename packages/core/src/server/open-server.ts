import type { SeedbedConfig } from '../config/config.js'
import { printableUrl } from './database-url.js'
import { seedbedHome } from './home.js'
import type { Server } from './server.js'

export interface OpenServerOptions {
  /** Absolute: the folder of the config or package.json. */
  projectFolder: string
  config: Pick<SeedbedConfig, 'server' | 'environments'>
  /** How many shall find room on a server of somebody else's. @default 1 */
  workers?: number
  /** Where embedded servers, and the locks of containers, are kept. @default `seedbedHome(process.env)` */
  home?: string
  /** Told in a few words what is being done or waited for, so that nobody wonders. */
  progress?: (line: string) => void
  /** Whether an embedded server's cluster is to be archived. @default false */
  cached?: boolean
  /** Called when a server of ours needs a moment to be there, perhaps twice: a good time for work of one's own. */
  meanwhile?: () => void
}

/**
 * The server of the test environment: the one whose URL `environments.test` (by default TEST_DATABASE_URL) names, else
 * one that Seedbed starts. Never the one of DATABASE_URL. Disposing gives up this process's hold on it.
 *
 * @throws the errors of this room, `SERVER_…`
 * @example await using server = await openServer({ projectFolder: '/home/ada/shop', config: {} })
 */
export async function openServer(options: OpenServerOptions): Promise<Server> {
  const { projectFolder, config, home, progress = () => {}, cached = false, meanwhile } = options
  const url = urlOfTestServer(config)
  // Each kind is loaded when it is wanted: importing `pg` alone takes as long as attaching.
  if (url) {
    const { openExternal } = await import('./external.js')
    return openExternal(url, options)
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

/** The URL of a server that somebody else runs, if there is one: it goes before `server`. */
export function urlOfTestServer({ environments }: Pick<SeedbedConfig, 'environments'>): string | undefined {
  return environments?.test?.url || process.env.TEST_DATABASE_URL
}

/**
 * Which server that is, before anything is done with it.
 *
 * @example describeTestServer({ server: 'container' }) // 'a server in a container'
 */
export function describeTestServer(config: Pick<SeedbedConfig, 'server' | 'environments'>): string {
  const url = urlOfTestServer(config)
  // One that cannot be parsed is refused a moment later, with the reason.
  if (url) return URL.canParse(url.trim()) ? printableUrl(url.trim()) : 'the server of environments.test'
  const isEmbedded = config.server === undefined || config.server === 'embedded'
  return isEmbedded ? 'the PostgreSQL from npm' : 'a server in a container'
}
