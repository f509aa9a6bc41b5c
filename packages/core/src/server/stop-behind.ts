import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { ClusterOptions } from './embedded.js'
import { ownFolder } from './own-package.js'
import { atProcessEnd } from './process-end.js'

/**
 * Where this process ends without giving its server up, since Ctrl-C ends a runner before it could, another process gives it up: a
 * server that nobody uses would otherwise run until the next run comes.
 *
 * @returns forgets it
 */
export function stopBehindThisProcess(options: ClusterOptions): () => void {
  const forget = atProcessEnd(start, { atAnySignal: false })
  function start(): void {
    forget()
    const script = join(ownFolder(), 'dist/server/stop-process.js')
    const child = spawn(process.execPath, [script, JSON.stringify(options)], {
      detached: true,
      stdio: 'ignore',
      windowsHide: true,
    })
    child.once('error', () => {})
    child.unref()
  }
  return forget
}
