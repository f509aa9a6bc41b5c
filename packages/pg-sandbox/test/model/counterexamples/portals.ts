import { bind, close, describe, execute, parse } from '../../wire/requests.js'
import type { Counterexample } from './counterexample.js'

export const portals: Counterexample[] = [
  [
    'An error named the portal as the server knows it.',
    [
      { client: 0, pipeline: [parse('UPDATE account SET balance = 1 WHERE id = 1', 's1')] },
      { client: 0, pipeline: [bind([], { statement: 's1' }), execute({ rows: 1 }), execute({ rows: 1 })] },
      { client: 0, pipeline: [execute({ portal: 'p1' })] },
    ],
  ],
  [
    'A portal of SET CONSTRAINTS could be opened twice.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, pipeline: [parse('SET CONSTRAINTS ALL IMMEDIATE', 's1')] },
      { client: 0, pipeline: [bind([], { portal: 'p2', statement: 's1' }), execute({ portal: 'p2', rows: 1 })] },
      { client: 0, pipeline: [bind([], { portal: 'p2', statement: 's1' }), execute({ portal: 'p2' })] },
    ],
  ],
  [
    'A portal of BEGIN could be opened twice.',
    [
      { client: 0, pipeline: [parse('BEGIN', 's1')] },
      { client: 0, pipeline: [bind([], { portal: 'p1', statement: 's1' }), execute({ portal: 'p1', rows: 1 })] },
      { client: 0, pipeline: [bind([], { portal: 'p1', statement: 's1' }), execute({ portal: 'p1' })] },
    ],
  ],
  [
    'A portal of SET CONSTRAINTS could be run twice.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, pipeline: [parse('SET CONSTRAINTS ALL IMMEDIATE', 's2')] },
      { client: 0, pipeline: [bind([], { statement: 's2' }), execute({ rows: 1 }), execute({ rows: 1 })] },
    ],
  ],
  [
    'A portal of START TRANSACTION was looked at in a failed transaction.',
    [
      { client: 0, pipeline: [parse('START TRANSACTION', 's2')] },
      { client: 0, pipeline: [bind([], { portal: 'p1', statement: 's2' }), execute({ portal: 'p1', rows: 1 })] },
      { client: 0, pipeline: [execute({ portal: 'p1', rows: 1 })] },
      { client: 0, pipeline: [execute({ portal: 'p1', rows: 1 })] },
    ],
  ],
  [
    'A portal of RELEASE was looked at in a failed transaction.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, pipeline: [parse('RELEASE SAVEPOINT b', 's2')] },
      { client: 0, pipeline: [bind([], { portal: 'c1', statement: 's2' }), execute({ portal: 'c1', rows: 1 })] },
      { client: 0, pipeline: [execute({ portal: 'c1', rows: 1 })] },
    ],
  ],
  [
    'A portal of COMMIT was there after the transaction.',
    [
      { client: 0, pipeline: [parse('COMMIT', 's2')] },
      {
        client: 0,
        pipeline: [
          bind([], { portal: 'p2', statement: 's2' }),
          execute({ portal: 'p2', rows: 1 }),
          execute({ portal: 'p2', rows: 1 }),
        ],
      },
    ],
  ],
  [
    'A Bind that failed left its portal behind.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, pipeline: [bind([], { portal: 'p1', statement: 's1' }), execute({ portal: 'p1' })] },
      { client: 0, pipeline: [parse('ROLLBACK TO SAVEPOINT a', 's2')] },
      { client: 0, pipeline: [bind([], { portal: 'p1', statement: 's2' }), execute({ portal: 'p1' })] },
    ],
  ],
  [
    'COMMIT took values that it has no parameters for.',
    [
      { client: 0, pipeline: [parse('END', 's1')] },
      { client: 0, pipeline: [bind(['fay', 't'], { portal: 'p2', statement: 's1' }), execute({ portal: 'p2' })] },
    ],
  ],
  [
    'A portal that its client had done with kept a table from being dropped.',
    [
      { client: 2, query: 'BEGIN' },
      { client: 2, query: 'CREATE TEMP TABLE scratch (n int)' },
      { client: 2, pipeline: [parse('SELECT n FROM scratch ORDER BY n'), bind(), execute()] },
      { client: 2, query: 'DROP TABLE scratch' },
    ],
  ],
  [
    'A portal of BEGIN saw a portal that ROLLBACK TO had closed.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'SAVEPOINT a' },
      { client: 0, pipeline: [parse('SELECT id FROM account ORDER BY id', 's1')] },
      { client: 0, pipeline: [bind([], { portal: 'c1', statement: 's1' }), execute({ portal: 'c1', rows: 1 })] },
      { client: 0, query: 'ROLLBACK TO a' },
      { client: 0, pipeline: [parse('BEGIN', 's2')] },
      { client: 0, pipeline: [bind([], { portal: 'c1', statement: 's2' }), execute({ portal: 'c1' })] },
    ],
  ],
  [
    'A Bind in a failed transaction looked at a name of PREPARE that was closed.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'PREPARE s1 AS INSERT INTO rank VALUES (5)' },
      { client: 0, pipeline: [describe('portal', 'p2'), close('statement', 's1')] },
      { client: 0, pipeline: [bind([], { statement: 's1' }), execute()] },
    ],
  ],
  [
    'A portal that its client had done with, below a savepoint, kept a table from being dropped.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'SAVEPOINT b' },
      {
        client: 0,
        pipeline: [parse('SELECT 1'), bind(), execute({ rows: 2 }), parse('SELECT 1 / 0'), bind(), execute()],
      },
      { client: 0, query: 'ROLLBACK TO b' },
      { client: 0, pipeline: [parse('CREATE TEMP TABLE scratch (n int)'), bind(), execute()] },
      { client: 0, pipeline: [parse('SELECT n FROM scratch'), bind(), execute()] },
      { client: 0, query: 'DROP TABLE scratch' },
    ],
  ],
  [
    'The unnamed portal that had been read in portions was there when a batch had failed before its Bind.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, pipeline: [parse('SELECT id FROM account ORDER BY id'), bind(), execute({ rows: 1 })] },
      { client: 0, query: 'SAVEPOINT a' },
      { client: 0, pipeline: [describe('portal', 'p1'), parse('SELECT 1'), bind(), execute()] },
      { client: 0, query: 'ROLLBACK TO a' },
      { client: 0, pipeline: [parse('SELECT 1 / 0'), bind(), execute({ rows: 2 })] },
    ],
  ],
  [
    'DISCARD ALL left its portal behind.',
    [
      { client: 0, pipeline: [parse('DISCARD ALL', 's1')] },
      { client: 0, pipeline: [bind([], { statement: 's1' }), execute(), execute()] },
    ],
  ],
]
