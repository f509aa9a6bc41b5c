import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { seedbed } from '../../../packages/cli/dist/program.js'
import { checkConfig } from '../../../packages/core/dist/config/check-config.js'
import { errorKinds } from '../../../packages/core/dist/errors/table.js'
import { errors as sandboxErrors } from '../../../packages/pg-sandbox/dist/errors.js'
import { openSandbox } from '../../../packages/pg-sandbox/dist/index.js'
import { publishedPackages, root } from '../../../scripts/workspaces.mjs'
import { documents, read, snippetsOf } from './documents.js'

/** As they are typed: `cache key `. */
const seedbedCommands = seedbed(() => {}).commands.flatMap(command =>
  command.commands.length === 0
    ? [`${command.name()} `]
    : command.commands.map(inner => `${command.name()} ${inner.name()} `),
)

const sandbox = 'packages/pg-sandbox/README.md'

/** A link's text and target, without code blocks. */
const linksOf = (document: string) => [
  ...read(document)
    .replaceAll(/^```[^]*?^```$/gm, '')
    .matchAll(/\[([^\]]+)\]\(([^)\s]+)\)/g),
]

describe.each(documents)('%s', document => {
  test('links lead to files and headings that exist', () => {
    const broken = linksOf(document)
      .map(([, , target]) => target!)
      .filter(target => !target.startsWith('https:'))
      .filter(target => {
        const [path, heading] = target.split('#') as [string, string | undefined]
        const file = path === '' ? document : join(dirname(document), path)
        return !existsSync(join(root, file)) || (heading !== undefined && !anchorsOf(file).includes(heading))
      })
    expect(broken).toEqual([])
  })

  test('codes of errors that it names exist, and their links lead to their pages', () => {
    const known =
      document === sandbox ? Object.keys(sandboxErrors) : Object.values(errorKinds).flatMap(kinds => Object.keys(kinds))
    const named = [...read(document).matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, code]) => code!)
    const variables = /^(SEEDBED_|PG|USE_STG_DATABASE|ENVIRONMENT$|DATABASE_URL$|TEST_DATABASE_URL$|LD_|NODE_ENV$|XDG_)/
    expect(named.filter(name => !variables.test(name) && !known.includes(name))).toEqual([])
    const misled = linksOf(document)
      .filter(([, , target]) => /docs\/errors\/|\.\.\/errors\//.test(target!))
      .filter(([, text, target]) => /^`[A-Z_]+`$/.test(text!) && !target!.endsWith(`/${text!.slice(1, -1)}.md`))
    expect(misled.map(([link]) => link)).toEqual([])
  })

  test('shell lines name scripts and packages that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const packages = publishedPackages().flatMap(({ manifest }) => [
      manifest.name as string,
      ...Object.keys((manifest.peerDependencies as object | undefined) ?? {}),
    ])
    const commands = snippetsOf(document)
      .filter(({ language }) => language === 'sh')
      .flatMap(({ text }) => text.trim().split(/\n|&&/))
      .map(command =>
        command
          .replace(/ +#.*$/, '')
          .replace(/^\s*([A-Z_]+=("[^"]*"|\S+) )+/, '')
          .trim(),
      )
    const unknown = commands.filter(command => {
      const [program, verb, ...rest] = command.split(' ')
      if (command === 'npm ci' || command === 'npx vitest run' || program === 'docker') return false
      if (program === 'npx' && verb === 'seedbed')
        return !seedbedCommands.some(known => `${rest.join(' ')} `.startsWith(known))
      if (command === 'npm run report') return false // a script of the reader's
      if (command === 'npm test') return !Object.hasOwn(scripts, 'test')
      if (program === 'npm' && verb === 'run') return !Object.hasOwn(scripts, rest[0]!)
      if (program === 'npm' && verb === 'install') {
        const names = rest.filter(word => !word.startsWith('-')).map(word => word.replace(/(?<=.)@.*$/, ''))
        return !names.every(name => packages.includes(name))
      }
      return true
    })
    expect(unknown).toEqual([])
  })
})

test('the README of pg-sandbox names every function, option and error that there is', async () => {
  const text = read(sandbox)
  const opened = await openSandbox({ url: 'postgresql://localhost/shop' })
  await opened.close()
  for (const name of Object.keys(opened)) expect(text).toMatch(new RegExp(`^\\| \`sandbox\\.${name}\\b`, 'm'))
  for (const option of ['url', 'users', 'turnTimeout', 'stragglerTimeout', 'ownThread']) {
    expect(text).toContain(`\n| \`${option}\` |`)
  }
  for (const code of Object.keys(sandboxErrors)) expect(text).toContain(`\n| \`${code}\` |`)
})

test('the README’s table of options has every option of the config, and no other', () => {
  const [, section] = read('README.md').split('\n## Options\n')
  const named = [...section!.split('\n## ')[0]!.matchAll(/^\| `([\w.]+)` \|/gm)].map(([, name]) => name!)
  // What a config must not have is answered with what it may have.
  const { hint } = refusalOf({ '?': 1 })
  const known = /(?:are|:) ([A-Za-z, ]+)\./.exec(hint)![1]!.split(', ')
  const options = new Set(named.map(name => name.split('.')[0]))
  expect([...options].toSorted()).toEqual(known.toSorted())
  for (const name of named.filter(name => name.includes('.'))) {
    const value = name.split('.').reduceRight<unknown>((inner, part) => ({ [part]: inner }), 'postgresql://x/y')
    expect(() => checkConfig(value as object, 'seedbed.config.ts')).not.toThrow()
  }
})

function refusalOf(config: object): { hint: string } {
  try {
    checkConfig(config, 'seedbed.config.ts')
  } catch (error) {
    return error as { hint: string }
  }
  throw new Error('an unknown option was taken')
}

/** As GitHub makes them of headings. */
function anchorsOf(document: string): string[] {
  return [...read(document).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}
