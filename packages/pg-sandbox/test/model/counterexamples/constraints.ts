import { bind, close, execute, flush, parse } from '../../wire/requests.js'
import type { Counterexample } from './counterexample.js'

export const constraints: Counterexample[] = [
  [
    'The notices of deferred triggers were lost at COMMIT.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'INSERT INTO rank VALUES (3)' },
      { client: 0, query: 'COMMIT' },
    ],
  ],
  [
    'The notice of a deferred trigger came behind the tag of the last statement.',
    [{ client: 0, query: `INSERT INTO rank VALUES (6); SELECT set_config('work_mem', '8MB', false)` }],
  ],
  [
    'A deferred trigger ran before the last of several statements.',
    [{ client: 0, query: 'INSERT INTO rank VALUES (6); SELECT count(*) FROM shadow.account' }],
  ],
  [
    'The last of several statements had its tag, though its deferred constraint failed.',
    [{ client: 0, query: 'ROLLBACK; INSERT INTO rank VALUES (1)' }],
  ],
  [
    'A deferred constraint was checked at the Execute, not at the Sync.',
    [
      { client: 0, query: 'PREPARE s2 AS INSERT INTO rank VALUES (1)' },
      { client: 0, pipeline: [parse('EXECUTE s2'), bind(), execute()] },
    ],
  ],
  [
    'A deferred constraint was checked at the first Execute of several.',
    [
      {
        client: 0,
        pipeline: [
          parse('INSERT INTO entry (account_id) VALUES (4)'),
          bind(),
          execute(),
          parse('SELECT 1'),
          bind(),
          execute(),
        ],
      },
    ],
  ],
  [
    'A deferred constraint was checked after the first of several statements.',
    [
      {
        client: 0,
        query:
          'INSERT INTO entry (account_id, other_id) VALUES (3, 1); INSERT INTO entry (account_id, other_id) VALUES (3, 2);',
      },
    ],
  ],
  [
    'A deferred constraint was checked before an immediate one.',
    [{ client: 0, query: 'INSERT INTO entry (account_id, other_id) VALUES (3, 3)' }],
  ],
  [
    'SET CONSTRAINTS warned in a text of several statements, which is a transaction block.',
    [{ client: 0, query: 'SET CONSTRAINTS ALL IMMEDIATE; SELECT 1; END' }],
  ],
  [
    'SET CONSTRAINTS did not warn as the second statement of a batch that began with ROLLBACK.',
    [
      {
        client: 0,
        pipeline: [parse('ABORT'), bind(), execute(), parse('SET CONSTRAINTS entry_other DEFERRED'), bind(), execute()],
      },
    ],
  ],
  [
    'SET CONSTRAINTS warned behind a Flush in a batch.',
    [
      {
        client: 0,
        pipeline: [
          parse('SELECT 1'),
          bind(),
          execute(),
          flush,
          parse('SET CONSTRAINTS entry_account DEFERRED'),
          bind(),
          execute(),
        ],
      },
    ],
  ],
  [
    'A deferred constraint was checked before the Close behind its statement.',
    [
      {
        client: 0,
        pipeline: [
          parse('INSERT INTO entry (account_id) VALUES (4)'),
          bind(),
          execute(),
          close('portal', 'p1'),
          close('statement', 's1'),
        ],
      },
    ],
  ],
  [
    'SET CONSTRAINTS as the first of a batch did nothing.',
    [
      {
        client: 0,
        pipeline: [
          parse('SET CONSTRAINTS ALL IMMEDIATE'),
          bind(),
          execute(),
          parse('INSERT INTO entry (account_id) VALUES (4)'),
          bind(),
          execute(),
        ],
      },
    ],
  ],
]
