import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The images that the job has found or made, the newest PostgreSQL first. */
export const images = (process.env.SEEDBED_TEST_IMAGES ?? '').split(' ').filter(Boolean)

export async function docker(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('docker', args)
  return stdout.trim()
}

/** A project of its own, which has `@testcontainers/postgresql` installed. */
export interface ContainerProject extends AsyncDisposable {
  folder: string
  home: string
  /** The short ids of its containers, running or not. */
  containers(): Promise<string[]>
}

export async function containerProject(): Promise<ContainerProject> {
  const folder = await realpath(await mkdtemp('/tmp/seedbed-container-'))
  const project = join(folder, 'project')
  await mkdir(project)
  await symlink(fileURLToPath(new URL('../project/node_modules', import.meta.url)), join(project, 'node_modules'))
  const containers = async () => {
    const ids = await docker('ps', '--all', '--quiet', '--filter', `label=dev.seedbed.folder=${project}`)
    return ids.split('\n').filter(Boolean)
  }
  return {
    folder: project,
    home: join(folder, 'home'),
    containers,
    async [Symbol.asyncDispose]() {
      for (const id of await containers()) await docker('rm', '--force', '--volumes', id)
      await rm(folder, { recursive: true, force: true })
    },
  }
}
