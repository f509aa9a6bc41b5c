import { readFile, statfs } from 'node:fs/promises'

/**
 * Where servers and their data go: memory where there is plenty of it, since on a disk a server spends most of a test's
 * time with making files. In a container /dev/shm may have 64 MB, and programs that are copied there may not run; then
 * it is /tmp.
 */
export async function roomyFolder(): Promise<string> {
  const memory = await statfs('/dev/shm').catch(() => undefined)
  const isRoomy = memory !== undefined && memory.bavail * memory.bsize > 2 ** 31
  return isRoomy && !(await isWithoutPrograms('/dev/shm')) ? '/dev/shm' : '/tmp'
}

async function isWithoutPrograms(folder: string): Promise<boolean> {
  const mounts = await readFile('/proc/mounts', 'utf8').catch(() => '')
  return mounts.split('\n').some(line => line.split(' ')[1] === folder && /\bnoexec\b/.test(line.split(' ')[3] ?? ''))
}
