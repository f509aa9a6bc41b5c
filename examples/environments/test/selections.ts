import { resolveEnvironment, type EnvironmentsConfig, type ResolveInput } from '@seedbed/environments'
import { expect, test } from 'vitest'

/** What is said, and where it leads: the badge, the database, and the rule, or an error's code. */
export type Selection = readonly [says: string, given: Given, leadsTo: string]

type Given = Partial<Omit<ResolveInput<string>, 'config'>>

/** A test for each line of a table. */
export function selections(config: EnvironmentsConfig<string>, lines: readonly Selection[]): void {
  test.each(lines)('%s', (_, given, leadsTo) => {
    expect(outcome({ config, variables: {}, ...given })).toBe(leadsTo)
  })
}

function outcome(input: ResolveInput<string>): string {
  try {
    const { badge, databases, reason, notes } = resolveEnvironment(input)
    const places = Object.values(databases).map(address => `${new URL(address!.url).host}/${address!.database}`)
    return [`[${badge.label}]`, ...places, `(${reason})`, ...notes.map(note => `! ${note}`)].join(' ')
  } catch (error) {
    return (error as { code: string }).code
  }
}
