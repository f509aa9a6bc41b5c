// A run: opens a server, says so, and closes it when told to on stdin. Messages are lines of JSON.
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const [, , dist, projectFolder, home, config] = process.argv
const say = message => process.stdout.write(`${JSON.stringify(message)}\n`)
try {
  const { openServer } = await import(pathToFileURL(`${dist}/server/open-server.js`).href)
  const server = await openServer({
    projectFolder,
    config: JSON.parse(config),
    ...(home && { home }),
    progress: line => say({ progress: line }),
  })
  say({ opened: server })
  if (process.env.LEAVE_WITHOUT_CLOSING) {
    process.stdin.destroy()
  } else {
    for await (const line of createInterface({ input: process.stdin })) {
      if (line === 'close') await server[Symbol.asyncDispose]()
      process.stdin.destroy()
      break
    }
  }
} catch (error) {
  say({ failed: `${error.code}: ${error.message}` })
  process.exitCode = 1
  process.stdin.destroy()
}
