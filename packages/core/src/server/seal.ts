import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { difference, type ClusterParts } from './cluster-parts.js'
import type { ServerUser } from './server-user.js'

/**
 * What a data folder was like when its server had stopped: so that a copy that comes out of an archive can be told from one
 * that is cut short, damaged or from an unlike machine. PostgreSQL itself notices little of that: a table whose file has
 * become shorter just has fewer rows.
 */
export interface Seal {
  parts: ClusterParts
  /** Below the data folder, each after the one that it is in. */
  folders: string[]
  /** CRC-32 of each file's content. */
  files: Record<string, number>
}

/** Synchronous: a thousand small files one after the other take a fraction of the time that promises would. */
export function sealOf(data: string, parts: ClusterParts): Seal {
  const seal: Seal = { parts, folders: [], files: {} }
  const add = (folder: string) => {
    for (const entry of readdirSync(join(data, folder), { withFileTypes: true })) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) {
        seal.folders.push(name)
        add(name)
      } else if (entry.isFile()) seal.files[name] = crc32(readFileSync(join(data, name)))
    }
  }
  add('')
  return seal
}

/**
 * Compares a copy with its seal, and mends what archives lose without harm: empty folders, rights and the owner.
 *
 * @returns how much was mended, or why the copy cannot be used
 */
export function checkCopy(
  data: string,
  seal: Seal,
  parts: ClusterParts,
  user: ServerUser,
): { mended: number } | { problem: string } {
  const unlike = difference(seal.parts, parts)
  if (unlike !== undefined) return { problem: unlike }
  const made = seal.folders.filter(folder => mkdirSync(join(data, folder), { recursive: true }) !== undefined)
  const found = sealOf(data, parts)
  for (const [name, sum] of Object.entries(seal.files)) {
    if (found.files[name] === undefined) return { problem: `${name} is missing` }
    if (found.files[name] !== sum) return { problem: `${name} is not what it was` }
  }
  const known = new Set([...seal.folders, ...Object.keys(seal.files)])
  const stranger = [...found.folders, ...Object.keys(found.files)].find(name => !known.has(name))
  if (stranger !== undefined) return { problem: `${stranger} does not belong to it` }
  const mended = new Set([
    ...made,
    ...['', ...seal.folders].filter(folder => makePrivate(join(data, folder), 0o700, user)),
    ...Object.keys(seal.files).filter(file => makePrivate(join(data, file), 0o600, user)),
  ])
  return { mended: mended.size }
}

/** PostgreSQL refuses a data folder that others may enter. Answers whether there was something to do. */
function makePrivate(path: string, mode: number, { runAs: { uid, gid } }: ServerUser): boolean {
  const stat = statSync(path)
  if (isPrivate(stat, mode, uid)) return false
  chmodSync(path, mode)
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid)
  return true
}

function isPrivate(stat: Stats, mode: number, uid: number | undefined): boolean {
  if (process.platform === 'win32') return true
  return (stat.mode & 0o777) === mode && (uid === undefined || stat.uid === uid)
}
