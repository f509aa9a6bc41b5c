import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { seedbed } from '../src/program.js'

/** Every command that does something, by its words: `env claim`. */
function commandsOf(parent: Command, words: string[] = []): [string, Command][] {
  return parent.commands.flatMap(command => {
    const path = [...words, command.name()]
    return command.commands.length > 0
      ? commandsOf(command, path)
      : ([[path.join(' '), command]] as [string, Command][])
  })
}

function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({ writeOut: written => void (text += written) })
  command.outputHelp()
  return text
}

const commands = commandsOf(seedbed(() => {}))

test('there are those that the design names', () => {
  const names = commands.map(([name]) => name)
  expect(names).toEqual(
    expect.arrayContaining([
      ...['run', 'prepare', 'reset', 'status', 'doctor', 'preflight', 'init', 'scenarios', 'audit', 'prune'],
      ...['env list', 'env show', 'env claim', 'cache key'],
    ]),
  )
})

test.each(commands)(
  'seedbed %s: its help has an example that it takes, its exit codes, and --json',
  (name, command) => {
    const help = helpOf(command)
    const examples = [...help.matchAll(/^ {2}(?:npx )?(seedbed .*)$/gm)].map(([, example]) => example!)
    expect(examples.some(example => example.startsWith(`seedbed ${name}`))).toBe(true)
    expect(help).toMatch(/^Exit code: /m)
    expect(help).toMatch(/^ {2}--json /m)
    // Options in the examples are options of the command.
    const own = examples
      .filter(example => example.startsWith(`seedbed ${name}`))
      .map(example => example.split(' -- ')[0]!)
    const said = own.flatMap(example => example.split('|')[0]!.match(/--[a-z-]+/g) ?? [])
    const known = command.options.flatMap(({ long }) => long ?? [])
    expect(said.filter(option => !known.includes(option))).toEqual([])
  },
)
