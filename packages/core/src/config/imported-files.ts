import { readFile, stat } from 'node:fs/promises'
import { dirname, extname, resolve } from 'node:path'

/**
 * The files that modules need, and that those need in turn, as far as their text tells: every string that begins with
 * `./` or `../` and leads to a file. That finds imports of all kinds and data that is read from beside the code; a
 * string that only happens to name a file costs a rebuild when that file changes, no more. Packages are left out.
 *
 * @example await importedFiles(['/app/seeds/users.ts']) // ['/app/seeds/helpers/names.ts']
 */
export async function importedFiles(modules: readonly string[]): Promise<string[]> {
  const seen = new Set(modules)
  const pending = [...modules]
  for (let module = pending.pop(); module !== undefined; module = pending.pop()) {
    if (!/^\.[cm]?[jt]sx?$/.test(extname(module))) continue
    const text = await readFile(module, 'utf8')
    for (const [, name] of text.matchAll(/(?<=["'`])(\.\.?\/[^"'`\n$]*)(?=["'`])/g)) {
      const file = await firstFile(spellings(resolve(dirname(module), name!)))
      if (file === undefined || seen.has(file)) continue
      seen.add(file)
      pending.push(file)
    }
  }
  return [...seen].filter(file => !modules.includes(file))
}

/** What an import may stand for: TypeScript writes `./names.js` for `names.ts`, and endings may be left out. */
function spellings(path: string): string[] {
  const endings = ['.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs', '.json']
  const asTypeScript = /\.[cm]?js$/.test(path) ? [path.replace(/js$/, 'ts'), path.replace(/\.js$/, '.tsx')] : []
  return [
    path,
    ...asTypeScript,
    ...endings.map(ending => path + ending),
    ...endings.map(ending => `${path}/index${ending}`),
  ]
}

async function firstFile(paths: string[]): Promise<string | undefined> {
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined)
    if (found?.isFile()) return path
  }
  return undefined
}
