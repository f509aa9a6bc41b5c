import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { npmCommand } from '../../../scripts/npm.mjs'
import { publishedPackages, root } from '../../../scripts/workspaces.mjs'

export interface PackedPackage {
  name: string
  /** The package's folder in this repository. */
  source: string
  tarball: string
  /** Paths in the tarball. */
  files: string[]
  /** What its `exports` offer to `import`: `@seedbed/vitest/plugin`. */
  entries: string[]
}

export interface PackedProject extends Disposable {
  folder: string
  packages: PackedPackage[]
  write(files: Record<string, string>): void
  /** Runs `node` in the project. Throws with the output if it fails. */
  node(...args: string[]): string
  /** Runs what a package has installed as a command. Throws with the output if it fails. */
  command(name: string, ...args: string[]): string
}

/**
 * Packs every published package as `npm publish` would and installs the tarballs, with install scripts off, into an
 * empty project outside of this repository: what a user has.
 */
export function createPackedProject(): PackedProject {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'seedbed-packaging-')))
  const project: PackedProject = {
    folder,
    packages: [],
    write(files) {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true })
        writeFileSync(join(folder, path), text)
      }
    },
    node: (...args) => run(process.execPath, args, folder),
    command: (name, ...args) => run(join(folder, 'node_modules/.bin', name), args, folder),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
  try {
    project.packages = pack(folder)
    project.write({ 'package.json': JSON.stringify({ name: 'an-empty-project', private: true, type: 'module' }) })
    const tools = ['vitest', 'typescript', '@types/node'].map(name => `${name}@${rootVersion(name)}`)
    npm(
      ['install', '--ignore-scripts', '--prefer-offline', ...project.packages.map(({ tarball }) => tarball), ...tools],
      folder,
    )
    return project
  } catch (error) {
    project[Symbol.dispose]()
    throw error
  }
}

function pack(folder: string): PackedPackage[] {
  return publishedPackages().map(({ folder: workspace, manifest }) => {
    const source = join(root, workspace)
    const output = run(process.execPath, [join(root, 'scripts/pack.mjs'), workspace, folder], root)
    const [{ filename, files }] = JSON.parse(output) as [{ filename: string; files: { path: string }[] }]
    return {
      name: manifest.name as string,
      source,
      tarball: join(folder, filename),
      files: files.map(({ path }) => path),
      entries: Object.entries(manifest.exports as Record<string, unknown>)
        .filter(([, target]) => typeof target === 'object')
        .map(([path]) => (manifest.name as string) + path.slice(1)),
    }
  })
}

/** The version that this repository tests with. */
function rootVersion(name: string): string {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>
  }
  return devDependencies[name]!
}

function npm(args: string[], cwd: string): string {
  return run(...npmCommand(args), cwd)
}

function run(command: string, args: string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', env: environment() })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${status}\n${stdout}${stderr}`)
  return stdout
}

/** Ours without what `npm test` and Vitest set: they say "this is that workspace", and "a test is running". */
function environment(): NodeJS.ProcessEnv {
  const ofThisRun =
    /^(npm_(package|lifecycle|command|config_local_prefix|config_workspace)|INIT_CWD$|VITEST|NODE_ENV$|TEST$)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ofThisRun.test(name)))
}
