import { readFile, readlink, stat } from 'node:fs/promises'
import { hostname, uptime } from 'node:os'

/** Which running kernel, and which numbering of processes in it, a pid or a lock belongs to. */
export interface HostIdentity {
  /** Stays the same over a reboot; differs between machines, and between pods that share a volume. */
  machine: string
  /** Differs after a reboot. Empty where the system offers none (anything but Linux). */
  boot: string
  /** Differs between containers on one kernel. Empty outside of Linux. */
  pidNamespace: string
}

/** A process, told apart from a later one with the same pid. */
export interface ProcessIdentity {
  host: HostIdentity
  pid: number
  /** Clock ticks after boot, as /proc has them; empty outside of Linux. */
  started: string
}

/** Kernels write dirty pages out within half a minute or so; what is younger may be lost with the power. */
const writtenOutWithin = 60_000

/**
 * The machine, boot and pid namespace that this process lives in.
 *
 * @example (await hostIdentity()).boot // '08edb02b-596c-48c6-b778-bd3ca2b8a4c3'
 */
export async function hostIdentity(): Promise<HostIdentity> {
  if (process.platform !== 'linux') {
    // A laptop's host name changes with its network, so that it must not decide here.
    return { machine: process.platform, boot: '', pidNamespace: '' }
  }
  const [machineId, boot, pidNamespace] = await Promise.all([
    textOf('/etc/machine-id'),
    textOf('/proc/sys/kernel/random/boot_id'),
    readlink('/proc/self/ns/pid').catch(() => ''),
  ])
  // The host name as well: containers made from one image can have the same machine id.
  return { machine: `${machineId} ${hostname()}`, boot, pidNamespace }
}

/** This process, for a lock file. */
export async function thisProcess(): Promise<ProcessIdentity> {
  const [host, stat] = await Promise.all([hostIdentity(), processStat('self')])
  return { host, pid: process.pid, started: stat?.started ?? '' }
}

/**
 * Whether a process still runs. `elsewhere`: it was on another machine or in another container, where nobody here can
 * see it.
 *
 * @example await processState(await thisProcess()) // 'alive'
 */
export async function processState(identity: ProcessIdentity): Promise<'alive' | 'gone' | 'elsewhere'> {
  const here = await hostIdentity()
  if (!isSameHost(identity.host, here)) return isSameMachineRebooted(identity.host, here) ? 'gone' : 'elsewhere'
  if (!(await isAlive(identity.pid))) return 'gone'
  const stat = await processStat(identity.pid)
  return stat && stat.started !== identity.started ? 'gone' : 'alive'
}

/** Whether a pid names a process that still runs: a zombie, which nobody has reaped yet, does not. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it runs, as somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  return (await processStat(pid))?.state !== 'Z'
}

export function isSameHost(one: HostIdentity, other: HostIdentity): boolean {
  return one.boot === other.boot && one.pidNamespace === other.pidNamespace && hasBootOrMachine(one, other)
}

export function isSameMachineRebooted(before: HostIdentity, now: HostIdentity): boolean {
  return before.machine === now.machine && before.boot !== now.boot
}

/**
 * Whether a file was last written so shortly before the machine's boot that, with fsync off, a loss of power may have
 * taken what belongs to it.
 */
export async function isDoubtfulSinceBoot(file: string): Promise<boolean> {
  const { mtimeMs } = await stat(file)
  const boot = Date.now() - uptime() * 1000
  return mtimeMs < boot && mtimeMs > boot - writtenOutWithin
}

/** Where there is no boot id, only the machine can tell. */
function hasBootOrMachine(one: HostIdentity, other: HostIdentity): boolean {
  return one.boot !== '' || one.machine === other.machine
}

/** Fields 3 and 22 of /proc/<pid>/stat (proc(5)); the command in field 2 may itself hold spaces and brackets. */
async function processStat(pid: number | 'self'): Promise<{ state: string; started: string } | undefined> {
  if (process.platform !== 'linux') return undefined
  const text = await textOf(`/proc/${pid}/stat`)
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, started] = [fields[0], fields[19]]
  return state && started ? { state, started } : undefined
}

async function textOf(file: string): Promise<string> {
  return (await readFile(file, 'utf8').catch(() => '')).trim()
}
