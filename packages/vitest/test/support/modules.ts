import { chmod, cp, mkdir, mkdtemp, readdir, realpath, rm, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { publishedPackages, root } from '../../../../scripts/workspaces.mjs'

/**
 * One `node_modules` for all projects of this suite, as `npm install` makes it: what we publish stands in it as a copy,
 * the rest as links. Of a link into this repository a runner would think that it is the project's own source, and
 * translate some hundred files of ours in each of its runs: that was half of what a run costs.
 */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.SEEDBED_TEST_MODULES) return undefined // of `npm run compat`
  const folder = await mkdtemp(join('/tmp', 'seedbed-modules-'))
  await chmod(folder, 0o755)
  const modules = join(folder, 'node_modules')
  await linkAll(join(root, 'node_modules'), modules)
  for (const { folder: workspace, manifest } of publishedPackages()) {
    await copyPackage(join(root, workspace), join(modules, manifest.name), manifest.files)
  }
  process.env.SEEDBED_TEST_MODULES = modules
  return () => rm(folder, { recursive: true, force: true })
}

/** All packages of a `node_modules`, but for those that are links themselves: the workspaces. */
async function linkAll(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.name.startsWith('@')) await linkAll(source, target)
    else if (entry.isDirectory() && !entry.name.startsWith('.')) await symlink(source, target)
  }
}

/** What it publishes, and the dependencies that npm keeps in its own folder. */
async function copyPackage(from: string, to: string, files: string[]): Promise<void> {
  await mkdir(dirname(to), { recursive: true })
  for (const file of [...files.filter(file => !file.startsWith('!')), 'package.json']) {
    await cp(join(from, file), join(to, file), { recursive: true })
  }
  const own = await realpath(join(from, 'node_modules')).catch(() => undefined)
  if (own) await linkAll(own, join(to, 'node_modules'))
}
