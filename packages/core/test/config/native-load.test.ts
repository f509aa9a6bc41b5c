import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

// Vitest replaces import() in what it runs; this is how the built files act in a plain Node.
test('plain Node loads every ending, again after a change, and knows the line of a syntax error', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'seedbed-native-'))
  try {
    const script = `
      import { rm, writeFile } from 'node:fs/promises'
      const { loadConfig } = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, '../../dist/config/load-config.js')).href)})
      await writeFile('package.json', '{}')
      const seen = {}
      for (const [ending, before, after] of [['mjs', 'export default ', ''], ['cjs', 'module.exports = ', ''], ['js', 'module.exports = ', ''],
        ['ts', 'export default ', ' as object'], ['json', '', '']]) {
        const file = 'seedbed.config.' + ending
        seen[ending] = []
        for (const seeds of ['one', 'two', 'one']) {
          await writeFile(file, before + '{ "seeds": "' + seeds + '" }' + after)
          seen[ending].push((await loadConfig('.')).config.seeds)
        }
        await writeFile(file, before + '{\\n "seeds": \\n\\n a b }')
        seen[ending].push(await loadConfig('.').catch(error => error.message.split('\\n\\n')[0]))
        await rm(file)
      }
      console.log(JSON.stringify(seen))`
    await writeFile(join(folder, 'script.mjs'), script)
    const { stdout } = await promisify(execFile)(process.execPath, ['script.mjs'], { cwd: folder })
    const seen = JSON.parse(stdout) as Record<string, string[]>
    expect(Object.keys(seen)).toEqual(['mjs', 'cjs', 'js', 'ts', 'json'])
    for (const [ending, results] of Object.entries(seen)) {
      expect(results.slice(0, 3), ending).toEqual(['one', 'two', 'one'])
      expect(results[3], ending).toMatch(new RegExp(`seedbed\\.config\\.${ending} cannot be loaded: [^]*\\bline 4\\b`))
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})
