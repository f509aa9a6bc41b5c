import { everyDatabase, placeOf } from '@seedbed/environments'
import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connectionStringsIn, type ConnectionString } from './connection-strings.js'
import { CannotCheck, ok, problem, warning, type Check, type Found } from './finding.js'
import { trackedFiles } from './tracked-files.js'

/** Larger files are data, and nobody writes a connection string into them by hand. */
const largest = 1024 * 1024
const atOnce = 16

export const checkSecrets: Check = {
  name: 'secrets',
  about: 'Connection strings with passwords in files that git tracks; files over 1 MB and binary ones are not read',
  async *run(shared) {
    // A config that cannot be used says nothing of places, and there may be secrets all the same.
    const project = await shared.project().catch(() => undefined)
    const folder = project?.folder ?? shared.folder
    const tracked = await trackedFiles(folder)
    if ('problem' in tracked) throw new CannotCheck(tracked.problem)
    const databases = project ? everyDatabase(project.asked) : []
    const places = new Map(databases.map(each => [placeOf(each.url), each]))
    let harmless = 0
    let harmful = 0
    for await (const each of stringsIn(folder, tracked.files)) {
      const named = each.place === null ? undefined : places.get(each.place)
      if (each.isHarmless && !named?.protected) harmless++
      else {
        harmful++
        yield foundIn(each, named?.environment)
      }
    }
    const note = harmless > 0 ? `; ${harmless} with a password are of this machine, or examples` : ''
    if (harmful === 0) yield ok(`no password of another server in ${tracked.files.length} tracked files${note}`)
  },
}

type InFile = ConnectionString & { file: string }

async function* stringsIn(folder: string, files: string[]): AsyncIterable<InFile> {
  for (let next = 0; next < files.length; next += atOnce) {
    const found = await Promise.all(files.slice(next, next + atOnce).map(file => read(folder, file)))
    yield* found.flat()
  }
}

async function read(folder: string, file: string): Promise<InFile[]> {
  const path = join(folder, file)
  // One that was deleted, or that may not be read, is in the index all the same.
  const stats = await lstat(path).catch(() => undefined)
  if (!stats?.isFile() || stats.size > largest) return []
  const content = await readFile(path).catch(() => undefined)
  if (!content || content.subarray(0, 8_000).includes(0)) return []
  return connectionStringsIn(content.toString('utf8')).map(each => ({ ...each, file }))
}

function foundIn({ file, line, user, host, isHarmless }: InFile, environment: string | undefined): Found {
  const whose = environment === undefined ? `a server, ${host},` : environment
  // A document or a fixture shows what one looks like, unless it is the real one.
  const isLikelyReal = environment !== undefined || !(isHarmless || isIllustration(file))
  return (isLikelyReal ? problem : warning)(`${file}:${line} has a password of ${whose} for the user ${user}`, {
    why: 'Whoever has the repository, or had it once, can log in there.',
    wayOut: [
      'Change that password: it stays in the history of the repository.',
      'Put the connection string into a variable, and name the variable in environments of seedbed.config.',
    ],
    file,
    line,
  })
}

const isIllustration = (file: string) =>
  /\.(mdx?|rst|adoc)$/i.test(file) || /(^|\/)(__)?(tests?|spec|fixtures?|examples?|docs?)(__)?\//i.test(file)
