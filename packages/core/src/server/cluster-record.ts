import { randomBytes } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import type { HostIdentity } from './process-identity.js'

/** `cluster.json`: what a cluster's files cannot say by themselves. Readable by its owner only. */
export interface ClusterRecord {
  format: 1
  /** For people, and for a later sweep of clusters whose project is gone. */
  projectFolder: string
  version: string
  /** Where the server was last started. */
  host: HostIdentity
  /** Of the TCP port, where there is one. */
  port?: number
  administratorPassword: string
  applicationPassword: string
}

/** Undefined if there is none, or none that this version can read. */
export async function readRecord(file: string): Promise<ClusterRecord | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return 'null'
    throw error
  })
  try {
    const record = JSON.parse(text) as ClusterRecord | null
    return record?.format === 1 ? record : undefined
  } catch {
    return undefined
  }
}

/** Replaces the file whole. Only under the cluster's lock. */
export async function writeRecord(file: string, record: ClusterRecord): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 })
  await rename(`${file}.new`, file)
}

/** 192 random bits that need no escaping in a URL or a shell. */
export function randomPassword(): string {
  return randomBytes(24).toString('base64url')
}
