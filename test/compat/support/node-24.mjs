import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { install } from './repository.mjs'
import { skip } from './run.mjs'

/** Installs Node 24 from npm, and answers with the path of its binary. */
export async function node24() {
  const folder = fileURLToPath(new URL('../node-24', import.meta.url))
  await install(folder)
  const name = `node-${process.platform}-${process.arch}`
  const binary = `${folder}/node_modules/${name}/bin/node`
  if (!existsSync(binary)) skip(`there is no package ${name} with Node 24`)
  return binary
}
