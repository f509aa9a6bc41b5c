/**
 * `npm run docs`: writes docs/errors, one page for each code of core's table of errors and a list of them.
 * With `--check` it writes nothing and fails if something would change.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorPages } from './error-pages.mjs'
import { root } from './workspaces.mjs'

const { errorKinds } = await import('../packages/core/dist/errors/table.js')
const folder = join(root, 'docs', 'errors')
mkdirSync(folder, { recursive: true })

const pages = errorPages(errorKinds)
const stale = readdirSync(folder).filter(file => !pages.has(file))
const changed = [...pages].filter(([file, text]) => !existsSync(join(folder, file)) || read(file) !== text)

if (process.argv.includes('--check')) {
  for (const file of stale) console.log(`docs/errors/${file}: no error has this code`)
  for (const [file] of changed) console.log(`docs/errors/${file}: differs from the table in packages/core/src/errors`)
  if (stale.length + changed.length > 0) {
    console.log('\nThe way out: npm run docs')
    process.exitCode = 1
  }
} else {
  for (const file of stale) rmSync(join(folder, file))
  for (const [file, text] of changed) writeFileSync(join(folder, file), text)
  console.log(`docs/errors: ${pages.size - 1} codes; ${changed.length} pages written, ${stale.length} removed`)
}

function read(file) {
  return readFileSync(join(folder, file), 'utf8')
}
