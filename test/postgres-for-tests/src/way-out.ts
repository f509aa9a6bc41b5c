import { Socket } from 'node:net'

/** Send it through a sandbox, and its server commits. */
export const wayOut = `select 'a way out'`

/**
 * No statement is known that gets a COMMIT past the sandbox; what happens if one ever does has to be tested all the same.
 * From here on a server to which this process sends `text` is sent a COMMIT of the same length instead.
 *
 * @returns closes it again
 */
export function openWayOut(text = wayOut): () => void {
  const own = Object.getOwnPropertyDescriptor(Socket.prototype, 'write')
  const { write } = Socket.prototype
  Socket.prototype.write = function (this: Socket, bytes: unknown, ...more: unknown[]) {
    const at = Reflect.get(this, '_handle') && Buffer.isBuffer(bytes) ? bytes.indexOf(text) : -1
    // Clients of this process have no handle of the system's: their bytes go to the sandbox as they are.
    if (at !== -1) (bytes as Buffer).write('commit'.padEnd(text.length), at)
    return Reflect.apply(write, this, [bytes, ...more]) as boolean
  } as typeof write
  return () => {
    if (own) Object.defineProperty(Socket.prototype, 'write', own)
    else Reflect.deleteProperty(Socket.prototype, 'write')
  }
}
