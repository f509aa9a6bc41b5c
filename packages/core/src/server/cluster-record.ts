import { randomBytes } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { fileIdentity, type FileIdentity } from './file-identity.js'
import type { HostIdentity } from './process-identity.js'
import type { Seal } from './seal.js'

/** `cluster.json`: what a cluster's files cannot say by themselves. Readable by its owner only. */
export interface ClusterRecord {
  format: 2
  /** For people, and for a later sweep of clusters whose project is gone. */
  projectFolder: string
  /** The same, from the home. */
  place: string
  version: string
  /** Where the server was last started. */
  host: HostIdentity
  /** Of the TCP port, where there is one. */
  port?: number
  administratorPassword: string
  applicationPassword: string
  /** This very file: what says another one is a copy. */
  file: FileIdentity
  /** Whether whoever stops the server seals the data folder: since `seedbed prepare`. */
  cached: boolean
  /** Only while the server is stopped. */
  seal?: Seal
}

/** Undefined if there is none, or none that this version can read. */
export async function readRecord(file: string): Promise<ClusterRecord | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return 'null'
    throw error
  })
  try {
    const record = JSON.parse(text) as ClusterRecord | null
    return record?.format === 2 ? record : undefined
  } catch {
    return undefined
  }
}

/** Whether the server has stopped and its data folder was sealed. */
export async function isSealed(file: string): Promise<boolean> {
  return (await readRecord(file))?.seal !== undefined
}

/** Replaces the file whole, and answers with what stands in it. Only under the cluster's lock. */
export async function writeRecord(file: string, record: Omit<ClusterRecord, 'file'>): Promise<ClusterRecord> {
  const fresh = `${file}.new`
  // One that a killed run has left may be readable by others, if it came out of an archive.
  await rm(fresh, { force: true })
  await using handle = await open(fresh, 'wx', 0o600)
  const written: ClusterRecord = { ...record, file: await fileIdentity(handle) }
  await handle.writeFile(`${JSON.stringify(written, null, 2)}\n`)
  await rename(fresh, file)
  return written
}

/** 192 random bits that need no escaping in a URL or a shell. */
export function randomPassword(): string {
  return randomBytes(24).toString('base64url')
}
