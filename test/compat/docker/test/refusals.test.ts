import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { query } from '../../../../packages/core/test/server/support.js'
import { openServer } from '../../../../packages/core/src/server/open-server.js'
import { containerProject, docker, images, type ContainerProject } from './docker.js'

const [image = ''] = images
const isRoot = process.geteuid?.() === 0

let project: ContainerProject
beforeEach(async () => {
  project = await containerProject()
})
afterEach(() => project[Symbol.asyncDispose]())

const open = (name = image) =>
  openServer({
    projectFolder: project.folder,
    config: { server: { container: { image: name } } },
    home: project.home,
  })

test('an image that cannot be pulled', async () => {
  const name = 'localhost:1/no/such:image'
  await expect(open(name)).rejects.toMatchObject({
    code: 'SERVER_CONTAINER_IMAGE',
    message: expect.stringContaining(`There is no image ${name} on the engine, and it cannot be pulled: `),
  })
})

test('an image that ends instead of becoming a server: its last words are told, and it is removed', async () => {
  const name = `seedbed-compat/ends:${process.pid}`
  const made = await docker('create', image)
  await docker(
    'commit',
    '--change',
    'ENTRYPOINT ["sh", "-c", "echo there is no room for a server >&2; exit 3"]',
    made,
    name,
  )
  await docker('rm', '--volumes', made)
  try {
    await expect(open(name)).rejects.toMatchObject({
      code: 'SERVER_CONTAINER_DID_NOT_START',
      message: expect.stringContaining('there is no room for a server'),
    })
    expect(await project.containers()).toEqual([])
  } finally {
    await docker('rmi', name)
  }
})

test('an image that cannot even be started', async () => {
  const name = `seedbed-compat/no-program:${process.pid}`
  const made = await docker('create', image)
  await docker('commit', '--change', 'ENTRYPOINT ["/no/such/program"]', made, name)
  await docker('rm', '--volumes', made)
  try {
    await expect(open(name)).rejects.toMatchObject({
      code: 'SERVER_CONTAINER_DID_NOT_START',
      message: expect.stringContaining('/no/such/program'),
    })
    expect(await project.containers()).toEqual([])
  } finally {
    await docker('rmi', name)
  }
})

test('a container that lets nobody in is left alone, and its name told', async () => {
  const server = await openServer({
    projectFolder: project.folder,
    config: { server: { container: { image, reuse: true } } },
    home: project.home,
  })
  await query(server.adminUrl, `alter role seedbed_admin password 'changed by somebody'`)
  await server[Symbol.asyncDispose]()
  const containers = await project.containers()
  await expect(open()).rejects.toMatchObject({
    code: 'SERVER_CONTAINER_REFUSES',
    message: expect.stringContaining(`container ${containers[0]} refuses a session: password authentication failed`),
  })
  expect(await project.containers()).toEqual(containers)
})

test('a version of the package that is too old', async () => {
  await rm(join(project.folder, 'node_modules'))
  const packages = join(project.folder, 'node_modules')
  await mkdir(join(packages, '@testcontainers/postgresql'), { recursive: true })
  await mkdir(join(packages, 'testcontainers'))
  await writeFile(join(packages, '@testcontainers/postgresql/index.js'), 'exports.PostgreSqlContainer = class {}')
  await writeFile(join(packages, 'testcontainers/index.js'), '')
  await expect(open()).rejects.toMatchObject({
    code: 'SERVER_CONTAINER_PACKAGE',
    message: expect.stringContaining('its version is older than 11.14'),
  })
})

test.skipIf(!isRoot)('no engine (only root can hide the one that runs)', async () => {
  const script = fileURLToPath(new URL('../../../../packages/core/test/server/open-in-child.mjs', import.meta.url))
  const dist = fileURLToPath(new URL('../../../../packages/core/dist', import.meta.url))
  const config = JSON.stringify({ server: { container: { image } } })
  const program = [process.execPath, script, dist, project.folder, project.home, config]
  const hidden = 'mount -t tmpfs none /run && unset DOCKER_HOST && exec "$@"'
  const output = await new Promise<string>(resolve => {
    execFile('unshare', ['--mount', 'sh', '-c', hidden, 'sh', ...program], (_error, stdout) => resolve(stdout))
  })
  expect(JSON.parse(output)).toMatchObject({ failed: expect.stringContaining('SERVER_CONTAINER_ENGINE: ') })
  expect(output).toContain('no Docker engine answers here')
})
