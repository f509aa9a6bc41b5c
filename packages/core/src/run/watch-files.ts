import { sep } from 'node:path'

/** What a runner watches files with: Vite's watcher is one. */
export interface FileWatcher {
  add(paths: readonly string[]): unknown
  prependListener(event: 'unlink', listener: (file: string) => void): unknown
  emit(event: 'change', file: string): unknown
}

/**
 * Has files and folders watched. One of them that goes has changed: runners run nothing again for what is no longer there, and pass over
 * it once they know.
 *
 * @param watched asked for at each event
 * @returns whether a file that has changed is one of them, or lies in one
 */
export function watchFiles(watcher: FileWatcher, watched: () => readonly string[]): (file: string) => boolean {
  const isWatched = (file: string) => watched().some(path => file === path || file.startsWith(path + sep))
  watcher.add(watched())
  watcher.prependListener('unlink', file => {
    if (isWatched(file)) watcher.emit('change', file)
  })
  return isWatched
}
