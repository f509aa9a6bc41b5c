import type { UrlParts } from '@seedbed/environments'
import { parseEnv } from 'node:util'
import { readdirSync } from 'node:fs'
import type { Project } from './read-project.js'

/** A variable from which the application takes its database's address, or a part of it. */
export interface DatabaseVariable {
  name: string
  part: keyof UrlParts
  /** The file that reads it, or the `.env` that sets it. */
  from: string
}

const prefix = '(?:(?:VITE|NUXT|NEXT|APP)_)?(?:DATABASE|DB|POSTGRES|POSTGRESQL|TYPEORM|PG|SQL)'
const url = new RegExp(
  `^(?:${prefix}_(?:PRISMA_|CONNECTION_|DIRECT_|POOLED_)?(?:URL|URI|DSN|CONNECTION_?STRING)(?:_NON_POOLING|_UNPOOLED)?|DIRECT_(?:DATABASE_)?URL)$`,
)
const parts: Record<string, keyof UrlParts> = {
  HOST: 'host',
  HOSTNAME: 'host',
  SERVER: 'host',
  PORT: 'port',
  USER: 'user',
  USERNAME: 'user',
  PASSWORD: 'password',
  PASS: 'password',
  NAME: 'database',
  DBNAME: 'database',
  DATABASE: 'database',
  DB: 'database',
}
const part = new RegExp(`^${prefix}_(${Object.keys(parts).join('|')})$`)

/** What a source says when it reads a variable; a Prisma schema's `env("X")` and a config service's `get('X')` too. */
const reads =
  /(?:process\.env|import\.meta\.env)(?:\.|\[['"])([A-Z][A-Z0-9_]*)|\b(?:env|get|getOrThrow)(?:<[^>]*>)?\(\s*['"]([A-Z][A-Z0-9_]*)['"]|\{([^{}]*)\}\s*=\s*(?:process|import\.meta)\.env/g

/**
 * The variables that the application reads besides DATABASE_URL and PG*, which Seedbed sets anyhow. Where its sources show none at all,
 * those of `.env` and its like are taken, if there is no DATABASE_URL among them.
 */
export function findVariables(project: Project): DatabaseVariable[] {
  const read = project.files
    .filter(file => /\.([mc]?[jt]sx?|prisma)$/.test(file))
    .flatMap(file =>
      [...(project.read(file) ?? '').matchAll(reads)].flatMap(namesIn).map(name => ({ name, from: file })),
    )
  const isShown = read.some(({ name }) => isUsual(name) || partOf(name) !== undefined)
  const names = isShown ? read : setInFiles(project)
  return names
    .filter(({ name }, index) => names.findIndex(each => each.name === name) === index && !isUsual(name))
    .flatMap(({ name, from }) => {
      const found = partOf(name)
      return found ? [{ name, part: found, from }] : []
    })
}

function setInFiles(project: Project): { name: string; from: string }[] {
  const set = envFiles(project).flatMap(from => Object.keys(readEnv(project, from)).map(name => ({ name, from })))
  return set.some(({ name }) => isUsual(name)) ? [] : set
}

/** The `.env` files of the folder, with their templates. */
export function envFiles({ folder }: Project): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(entry => entry.isFile() && /^\.env(\.|$)/.test(entry.name))
    .map(({ name }) => name)
    .toSorted()
}

export function readEnv(project: Project, file: string): Record<string, string | undefined> {
  return parseEnv(project.read(file) ?? '')
}

function isUsual(name: string): boolean {
  return /^(DATABASE_URL|PG(HOST|PORT|USER|PASSWORD|DATABASE))$/.test(name)
}

function partOf(name: string): keyof UrlParts | undefined {
  if (url.test(name)) return 'url'
  const suffix = part.exec(name)?.[1]
  return suffix === undefined ? undefined : parts[suffix]
}

/** `{ DB_HOST, DB_PORT: port = '5432' } = process.env` names two. */
function namesIn([, dotted, called, destructured]: RegExpMatchArray): string[] {
  if (destructured === undefined) return [(dotted ?? called)!]
  return destructured.split(',').flatMap(each => /^\s*([A-Z][A-Z0-9_]*)\b/.exec(each)?.[1] ?? [])
}
