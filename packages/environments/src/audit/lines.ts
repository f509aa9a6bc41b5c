import { watch, type FSWatcher } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { StringDecoder } from 'node:string_decoder'

/**
 * The lines of a file. With `follow` also those that are added later, without an end until it is aborted: where the file
 * does not exist yet, where another takes its place, where it is emptied. What stands behind the last line break is a line
 * when nothing more is to come.
 *
 * @example for await (const line of linesOf('.seedbed/audit.jsonl')) …
 */
export async function* linesOf(file: string, follow?: AbortSignal): AsyncGenerator<string, void> {
  using changes = follow && waitForChanges(file, follow)
  let rest = ''
  let at: Position | undefined
  do {
    const from: Position | undefined = at
    const handle = await openAt(file, from)
    if (!handle) continue
    await using opened = handle
    // The beginning of another file is none of this one's end.
    if (opened.position !== from) rest = ''
    at = opened.position
    for await (const text of textsFrom(opened.handle, at)) {
      const lines = (rest + text).split('\n')
      rest = lines.pop()!
      yield* lines
    }
  } while (await changes?.next())
  if (rest !== '') yield rest
}

/** How far which file has been read. */
interface Position {
  inode: number
  bytes: number
  decoder: StringDecoder
}

/** The file, and where to go on in it: at its beginning, if it is another one or shorter than before. */
async function openAt(
  file: string,
  from: Position | undefined,
): Promise<({ handle: FileHandle; position: Position } & AsyncDisposable) | undefined> {
  let handle: FileHandle
  try {
    handle = await open(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const { ino: inode, size } = await handle.stat()
  const isSame = from !== undefined && from.inode === inode && size >= from.bytes
  const position = isSame ? from : { inode, bytes: 0, decoder: new StringDecoder('utf8') }
  return { handle, position, [Symbol.asyncDispose]: () => handle.close() }
}

async function* textsFrom(handle: FileHandle, position: Position): AsyncGenerator<string, void> {
  const buffer = Buffer.alloc(64 * 1024)
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position.bytes)
    if (bytesRead === 0) return
    position.bytes += bytesRead
    yield position.decoder.write(buffer.subarray(0, bytesRead))
  }
}

/** Not every file system tells of changes, and a folder that is not there cannot be watched: a look now and then has to do. */
const lookEvery = 500

/** `next` resolves to true when there may be something new, and to false when it is enough. */
function waitForChanges(file: string, enough: AbortSignal): Disposable & { next(): Promise<boolean> } {
  let watcher: FSWatcher | undefined
  let isChanged = false
  let wake = () => {}
  const changed = () => {
    isChanged = true
    wake()
  }
  const unwatch = () => {
    watcher?.close()
    watcher = undefined
  }
  enough.addEventListener('abort', changed)
  return {
    async next() {
      watcher ??= await watchFolder(dirname(file), changed, unwatch)
      if (!isChanged && !enough.aborted) {
        let timer: NodeJS.Timeout | undefined
        await new Promise<void>(resolve => {
          wake = resolve
          timer = setTimeout(resolve, lookEvery)
        })
        clearTimeout(timer)
      }
      isChanged = false
      return !enough.aborted
    },
    [Symbol.dispose]() {
      enough.removeEventListener('abort', changed)
      unwatch()
    },
  }
}

async function watchFolder(folder: string, changed: () => void, lost: () => void): Promise<FSWatcher | undefined> {
  try {
    await stat(folder)
    const watcher = watch(folder, changed)
    watcher.on('error', lost)
    return watcher
  } catch {
    return undefined
  }
}
