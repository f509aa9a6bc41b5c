import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { readProjectFile, type ProjectFile } from './project-files.js'

/**
 * A module and the modules of the project that it imports, directly or not: what its behaviour depends on as far as can
 * be told from its text. Found are relative paths in `import`, `export … from`, `import()` and `require()`, written
 * as plain text. Not found are packages, path aliases, computed paths and files that are read.
 */
export async function withLocalImports(project: string, paths: string[]): Promise<ProjectFile[]> {
  const files = new Map<string, ProjectFile>()
  const waiting = [...paths]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (files.has(path)) continue
    const file = await readProjectFile(project, path)
    files.set(path, file)
    for (const specifier of relativeSpecifiers(file.bytes.toString('utf8'))) {
      const found = await resolveModule(resolve(dirname(path), specifier))
      if (found) waiting.push(found)
    }
  }
  return [...files.values()]
}

function relativeSpecifiers(source: string): string[] {
  const pattern = /(?:\bfrom|\bimport|\bimport\s*\(|\brequire\s*\()\s*(["'`])(\.\.?\/[^"'`]*|\.\.?)\1/g
  return [...source.matchAll(pattern)].map(match => match[2]!)
}

/** TypeScript writes `./a.js` for what is `./a.ts`, and CommonJS leaves the ending out. */
async function resolveModule(path: string): Promise<string | undefined> {
  const endings = [
    '',
    '.ts',
    '.js',
    '.mts',
    '.mjs',
    '.cts',
    '.cjs',
    '.json',
    '/index.ts',
    '/index.js',
    '/index.cjs',
    '/index.mjs',
  ]
  const candidates = [path.replace(/\.([cm]?)js$/, '.$1ts'), ...endings.map(ending => path + ending)]
  for (const candidate of candidates) {
    const stats = await stat(candidate).catch(() => undefined)
    if (stats?.isFile()) return candidate
  }
  return undefined
}
