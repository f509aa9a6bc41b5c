import { badge, badged, resolveEnvironment } from '@seedbed/environments'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'

const environments = {
  int: { tier: 'test' as const, badge: { label: 'INT' }, url: 'postgresql://localhost/int' },
  staging: { url: 'postgresql://localhost/stg' },
  production: { url: 'postgresql://localhost/prod' },
}
const named = (flag: string, config: object = { environments }) =>
  resolveEnvironment({ config, variables: {}, flag, purpose: 'command' })

/** What a process of its own prints, with these variables and no others of the kind, and no terminal. */
function printed(variables: Record<string, string>): string {
  const program = `
    const { badge } = require(${JSON.stringify(join(import.meta.dirname, '../../dist/index.js'))})
    for (const [label, colour] of [['INT', 'green'], ['STG', 'yellow'], ['PROD', 'red']]) {
      process.stdout.write(badge({ badge: { label, colour } }))
    }`
  const { NO_COLOR: _, FORCE_COLOR: __, ...others } = process.env
  return execFileSync(process.execPath, ['-e', program], {
    encoding: 'utf8',
    env: { ...others, TERM: 'xterm-256color', ...variables },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
}

const colours = '\u001B[32m[INT]\u001B[39m\u001B[33m[STG]\u001B[39m\u001B[31m[PROD]\u001B[39m'

test('green, yellow and red where colours are forced; none without a terminal, or with NO_COLOR', () => {
  expect(printed({ FORCE_COLOR: '1' })).toBe(colours)
  expect(printed({})).toBe('[INT][STG][PROD]')
  expect(printed({ NO_COLOR: '1' })).toBe('[INT][STG][PROD]')
  expect(printed({ FORCE_COLOR: '0' })).toBe('[INT][STG][PROD]')
  expect(printed({ NO_COLOR: '1', FORCE_COLOR: '0' })).toBe('[INT][STG][PROD]')
})

test('labels and colours are those of the config', () => {
  const stream = new PassThrough()
  expect(badge(named('int'), stream)).toBe('[INT]')
  expect(badge(named('staging'), stream)).toBe('[STG]')
  expect(badge(named('production'), stream)).toBe('[PROD]')
  const renamed = {
    environments: {
      live: { tier: 'production', badge: { label: 'LIVE', colour: 'magenta' }, url: 'postgresql://h/d' },
    },
  }
  expect(badge(named('live', renamed), stream)).toBe('[LIVE]')
  expect(named('live', renamed).badge.colour).toBe('magenta')
})

test('it stands in front of every line', () => {
  const line = badged(named('production'), new PassThrough())
  expect(line('connected to shop')).toBe('[PROD] connected to shop')
  expect(line('one\ntwo\n\nthree')).toBe('[PROD] one\n[PROD] two\n[PROD] \n[PROD] three')
  expect(line('')).toBe('[PROD] ')
})
