import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Reply } from '../wire/wire-client.js'
import { isLeftOut, program, type Step } from './program.js'
import { openSides } from './run-program.js'

/** What the programs have to consist of, by its text. */
const kinds: Record<string, RegExp> = {
  'BEGIN with options': /^(?:BEGIN|START TRANSACTION) (?:READ|ISOLATION)[^;]*$/,
  INSERT: /^INSERT[^;]*$/,
  SELECT: /^SELECT[^;]*$/,
  UPDATE: /^UPDATE[^;]*$/,
  SAVEPOINT: /^SAVEPOINT[^;]*$/,
  RELEASE: /^RELEASE[^;]*$/,
  'ROLLBACK TO': /^ROLLBACK(?: WORK)? TO[^;]*$/,
  COMMIT: /^(?:COMMIT|END)\b[^;]*$/,
  ROLLBACK: /^(?:ROLLBACK|ABORT)\b(?! (?:WORK )?TO)[^;]*$/,
  'several statements': /;+\s*\w/,
  'PREPARE and EXECUTE': /^(?:PREPARE|EXECUTE)[^;]*$/,
  SET: /^SET (?!LOCAL|CONSTRAINTS|TRANSACTION)[^;]*$/,
  'SET LOCAL': /^SET LOCAL[^;]*$/,
  'SET CONSTRAINTS': /^SET CONSTRAINTS[^;]*$/,
  'cursors and their use': /^(?:DECLARE|FETCH|MOVE|CLOSE)[^;]*$/,
  'temporary tables': /TEMP TABLE|scratch/,
  COPY: /^COPY/,
}

test('programs have all that is to be compared, and most of it succeeds', { timeout: 600_000 }, async () => {
  await using sides = await openSides()
  const succeeded = new Map<string, number>()
  const failed = new Map<string, number>()
  const count = (counts: Map<string, number>, kind: string) => counts.set(kind, (counts.get(kind) ?? 0) + 1)
  for (const steps of fc.sample(program, { numRuns: 200, seed: 1 })) {
    const clients = new Set<number>()
    await sides.compare(steps, {
      isLeftOut: (step, place) => isLeftOut(steps, step, place),
      onStep(step, replies) {
        clients.add(step.client)
        const code = errorIn(replies)
        for (const kind of kindsOf(step)) {
          count(code === undefined ? succeeded : failed, kind)
          // integrity_constraint_violation
          if (code?.startsWith('23')) count(succeeded, `${kind} that breaks a constraint`)
        }
      },
    })
    count(succeeded, `programs of ${clients.size}`)
  }

  const all = [...Object.keys(kinds), 'a named statement', 'a named portal', 'a batch of several']
  expect(all.filter(kind => (succeeded.get(kind) ?? 0) < 10)).toEqual([])
  expect(Object.keys(kinds).filter(kind => succeeded.get(kind)! <= (failed.get(kind) ?? 0))).toEqual([])
  const failing = ['INSERT', 'UPDATE', 'COMMIT', 'several statements'].map(kind => `${kind} that breaks a constraint`)
  const rare = [...failing, 'programs of 1', 'programs of 2', 'programs of 3']
  expect(rare.filter(kind => !succeeded.has(kind))).toEqual([])
})

function errorIn(replies: Reply[]): string | undefined {
  return replies.find(reply => reply.type === 'error')?.code
}

function kindsOf(step: Step): string[] {
  const found = Object.keys(kinds).filter(kind => kinds[kind]!.test(textOf(step)))
  if (!('pipeline' in step)) return found
  const { pipeline } = step
  return [
    ...found,
    ...(pipeline.some(request => 'statement' in request && request.statement !== '') ? ['a named statement'] : []),
    ...(pipeline.some(request => 'portal' in request && request.portal !== '') ? ['a named portal'] : []),
    ...(pipeline.filter(({ send }) => send === 'execute').length > 1 ? ['a batch of several'] : []),
  ]
}

/** Of messages that prepare several, none. */
function textOf(step: Step): string {
  if ('query' in step) return step.query
  if ('copy' in step) return step.copy
  if (!('pipeline' in step)) return ''
  const texts = step.pipeline.flatMap(request => (request.send === 'parse' ? [request.text] : []))
  return texts.length === 1 ? texts[0]! : ''
}
