import { bind, close, describe, execute, parse } from '../../wire/requests.js'
import type { Counterexample } from './counterexample.js'

export const preparedStatements: Counterexample[] = [
  [
    'An error named the prepared statement as the server knows it.',
    [
      { client: 0, query: 'PREPARE s2 (int) AS SELECT name FROM account WHERE id = $1' },
      { client: 0, query: 'EXECUTE s2' },
      { client: 0, pipeline: [bind([], { statement: 's2' }), execute()] },
    ],
  ],
  [
    'An error pointed to the position in the text that the server was sent.',
    [{ client: 0, pipeline: [parse('PREPARE s2 AS SELECT nonsense'), bind(), execute()] }],
  ],
  [
    'A Parse in a failed transaction looked at names.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'PREPARE s2 AS SELECT 1' },
      { client: 0, query: 'SELECT 1 / 0' },
      { client: 0, pipeline: [parse('SELECT 2', 's2')] },
    ],
  ],
  [
    'A Parse that failed left its name behind.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'SELECT 1 / 0' },
      { client: 0, pipeline: [parse(`SELECT set_config('app.who', 'hal', false)`, 's2')] },
      { client: 0, query: 'ROLLBACK' },
      { client: 0, pipeline: [parse('SELECT 2', 's2')] },
    ],
  ],
  [
    'PREPARE did not see a name that a Parse of SET CONSTRAINTS had taken.',
    [
      { client: 0, pipeline: [parse('SET CONSTRAINTS entry_other IMMEDIATE', 's1')] },
      { client: 0, query: 'PREPARE s1 AS SELECT 1' },
    ],
  ],
  [
    'PREPARE in a failed transaction looked at names.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, pipeline: [parse('SET CONSTRAINTS ALL DEFERRED', 's1')] },
      { client: 0, query: 'SELECT 1 / 0' },
      { client: 0, query: 'PREPARE s1 AS SELECT 1' },
    ],
  ],
  [
    'A name was looked at before the text of its Parse.',
    [
      { client: 0, pipeline: [parse('SELECT 1', 's1')] },
      { client: 0, pipeline: [parse('SELECT n FROM nowhere', 's1')] },
    ],
  ],
  [
    'EXECUTE did not find a prepared ROLLBACK or BEGIN.',
    [
      { client: 0, pipeline: [parse('BEGIN', 's1'), parse('ROLLBACK', 's2')] },
      { client: 0, query: 'EXECUTE s2' },
      { client: 0, query: 'EXECUTE s1' },
      { client: 0, query: 'EXECUTE s2' },
    ],
  ],
  [
    'A closed name of a batch that failed below a savepoint was gone after ROLLBACK TO.',
    [
      { client: 0, query: 'PREPARE s2 (int) AS SELECT name FROM account WHERE id = $1' },
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'SAVEPOINT b' },
      {
        client: 0,
        pipeline: [parse('SELECT 1 / 0'), bind(), execute(), close('statement', 's2')],
      },
      { client: 0, query: 'ROLLBACK TO SAVEPOINT b' },
      { client: 0, pipeline: [describe('statement', 's2')] },
    ],
  ],
  [
    'A text that the parser refuses was refused before the server had said why.',
    [
      { client: 0, pipeline: [parse(`PREPARE s2 AS DO $$ BEGIN RAISE NOTICE 'hello'; END $$`), bind(), execute()] },
      { client: 0, pipeline: [parse('SELEC 1; ROLLBACK TO a; SHOW transaction_read_only', 's1')] },
      { client: 0, pipeline: [parse('COMMIT; SELECT 1', 's1')] },
    ],
  ],
  [
    'An error named a prepared statement as the server knows it, since a Close stood behind it.',
    [
      { client: 0, query: 'PREPARE s2 AS SELECT 1' },
      {
        client: 0,
        pipeline: [
          bind([null], { portal: 'p1', statement: 's2' }),
          execute({ portal: 'p1' }),
          close('statement', 's2'),
        ],
      },
    ],
  ],
]
