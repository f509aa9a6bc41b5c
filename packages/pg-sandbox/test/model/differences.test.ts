import { afterAll, beforeAll, expect, test } from 'vitest'
import { bind, close, execute, parse } from '../wire/requests.js'
import type { Step } from './program.js'
import { openSides, version, type Sides } from './run-program.js'

/**
 * Where a sandbox does something else than a server, and says so in its README: to see to it would take more than it is
 * worth. What the real server answers to the last step is known, and what the sandbox answers.
 */
const differences: [what: string, program: Step[], answers: { real: string; sandbox: string }][] = [
  [
    'AND CHAIN behind a failure hands no READ ONLY on, though only a savepoint has failed.',
    [
      { client: 0, query: 'BEGIN READ ONLY' },
      { client: 0, query: 'SAVEPOINT a' },
      { client: 0, query: 'SELECT 1 / 0' },
      { client: 0, query: 'COMMIT AND CHAIN' },
      { client: 0, query: 'INSERT INTO rank VALUES (5)' },
    ],
    { real: 'cannot execute INSERT in a read-only transaction', sandbox: 'INSERT 0 1' },
  ],
  [
    'AND CHAIN behind a failure hands no READ ONLY on, though it was itself handed on.',
    [
      { client: 0, query: 'BEGIN READ ONLY' },
      { client: 0, query: 'END AND CHAIN' },
      { client: 0, query: 'INSERT INTO rank VALUES (5)' },
      { client: 0, query: 'END AND CHAIN' },
      { client: 0, query: 'INSERT INTO rank VALUES (5)' },
    ],
    { real: 'cannot execute INSERT in a read-only transaction', sandbox: 'INSERT 0 1' },
  ],
  [
    'READ WRITE behind a query is refused with another message.',
    [
      { client: 0, query: 'BEGIN READ ONLY' },
      { client: 0, query: 'SELECT 1' },
      { client: 0, query: 'BEGIN READ WRITE' },
    ],
    {
      real: 'transaction read-write mode must be set before any query',
      sandbox: 'cannot set transaction read-write mode inside a read-only transaction',
    },
  ],
  [
    'EXECUTE of a DECLARE CURSOR that a message has prepared leaves a cursor open outside of a transaction.',
    [
      { client: 0, pipeline: [parse('DECLARE c2 CURSOR FOR SELECT 1', 's2')] },
      { client: 0, query: 'EXECUTE s2' },
      { client: 0, query: 'FETCH c2' },
    ],
    { real: 'cursor \\"c2\\" does not exist', sandbox: 'FETCH 1' },
  ],
  [
    'PREPARE under the name of a ROLLBACK that a message has prepared finds the name taken, before the text wrong.',
    [
      { client: 0, pipeline: [parse('ABORT', 's1')] },
      { client: 0, query: 'PREPARE s1 AS SELECT 1 FROM nowhere' },
    ],
    { real: 'relation \\"nowhere\\" does not exist', sandbox: 'prepared statement \\"s1\\" already exists' },
  ],
  [
    'EXECUTE by messages does not find a SET that a message has prepared.',
    [
      { client: 0, pipeline: [parse(`SET app.who = 'gil'`, 's3')] },
      { client: 0, pipeline: [parse('EXECUTE s3'), bind(), execute()] },
    ],
    { real: 'SET', sandbox: 'prepared statement \\"s3\\" does not exist' },
  ],
  [
    'An empty text counts as a statement of its batch.',
    [
      {
        client: 0,
        pipeline: [parse(''), bind(), execute(), parse('LOCK TABLE account IN SHARE MODE'), bind(), execute()],
      },
    ],
    { real: 'LOCK TABLE can only be used in transaction blocks', sandbox: 'LOCK TABLE' },
  ],
  [
    'DEALLOCATE as the last of several statements is answered before a deferred constraint is checked.',
    [{ client: 0, query: 'INSERT INTO rank VALUES (1); DEALLOCATE ALL' }],
    {
      real: 'INSERT 0 1"}\n    {"type":"error"',
      sandbox: 'INSERT 0 1"}\n    {"type":"complete","tag":"DEALLOCATE ALL',
    },
  ],
  [
    'A named portal of ROLLBACK TO does not outlive its failure.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, pipeline: [parse('ROLLBACK TO a', 's3')] },
      { client: 0, pipeline: [bind([], { portal: 'p3', statement: 's3' }), execute({ portal: 'p3' })] },
      { client: 0, pipeline: [execute({ portal: 'p3' })] },
    ],
    { real: 'current transaction is aborted', sandbox: 'portal \\"p3\\" does not exist' },
  ],
  [
    'A named portal of SET CONSTRAINTS does not go with ROLLBACK TO.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'SAVEPOINT b' },
      { client: 0, pipeline: [parse('SET CONSTRAINTS ALL DEFERRED', 's3')] },
      { client: 0, pipeline: [bind([], { portal: 'p3', statement: 's3' }), execute({ portal: 'p3' })] },
      { client: 0, query: 'ROLLBACK TO b' },
      { client: 0, pipeline: [execute({ portal: 'p3' }), close('portal', 'p3')] },
    ],
    { real: 'portal \\"p3\\" does not exist', sandbox: 'portal \\"p3\\" cannot be run' },
  ],
]

let sides: Sides
beforeAll(async () => {
  sides = await openSides()
})
afterAll(() => sides[Symbol.asyncDispose]())

test.for(differences)('%s', async ([what, program, answers], { skip }) => {
  skip(what.startsWith('An empty text') && version < 18, 'an older server takes no batch for a transaction block')
  const [, real, sandbox] =
    /the real server\n([^]*)\nthe sandbox\n([^]*)$/.exec((await sides.compare(program)) ?? '') ?? []
  expect(real).toContain(`"${answers.real}`)
  expect(sandbox).toContain(`"${answers.sandbox}`)
})
