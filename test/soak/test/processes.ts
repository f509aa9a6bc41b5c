import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { Site } from './site.js'

export interface Process {
  pid: number
  parent: number
  /** The folder in which it works. */
  place: string
  command: string
}

/** Every process that belongs to a site: the runs in its project, the servers in its home. */
export function processesOf({ root }: Site): Process[] {
  const all = everyProcess()
  const belongs = (process: Process) => process.place.startsWith(`${root}/`) || process.command.includes(`${root}/`)
  const found = new Set(all.filter(belongs).map(({ pid }) => pid))
  // Where not even root may see in which folder another user's process works, its parent tells.
  return all.filter(({ pid, parent }) => found.has(pid) || found.has(parent))
}

function everyProcess(): Process[] {
  return readdirSync('/proc').flatMap(name => (/^\d+$/.test(name) ? (processAt(Number(name)) ?? []) : []))
}

/** Undefined for one that is gone meanwhile, and for a zombie. */
function processAt(pid: number): Process | undefined {
  const read = <Text>(look: () => Text) => {
    try {
      return look()
    } catch {
      return undefined
    }
  }
  const stat = read(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  const [state, parent] = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? []
  if (state === undefined || state === 'Z') return undefined
  return {
    pid,
    parent: Number(parent),
    place: read(() => readlinkSync(`/proc/${pid}/cwd`)) ?? '',
    command: read(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()) ?? '',
  }
}

/** Of a run; not its server, which may be a child of the run as well. */
export function workersOf(site: Site, run: number): Process[] {
  return processesOf(site).filter(({ parent, command }) => parent === run && command.startsWith(process.execPath))
}

/** Those that a process has started. */
export function childrenOf(parent: number): Process[] {
  return everyProcess().filter(process => process.parent === parent)
}

/** Servers, not their backends. */
export function postmastersOf(site: Site): Process[] {
  const servers = processesOf(site).filter(({ command }) => command.includes('postgres'))
  return servers.filter(({ parent }) => !servers.some(({ pid }) => pid === parent))
}

/** A process group, where the number is below zero. Nothing happens if it is gone. */
export function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
