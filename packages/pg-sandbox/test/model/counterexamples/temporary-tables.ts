import { bind, describe, execute, parse } from '../../wire/requests.js'
import type { Counterexample } from './counterexample.js'

export const temporaryTables: Counterexample[] = [
  [
    'A temporary table ON COMMIT DROP outlived the statement that made it.',
    [
      { client: 0, query: 'CREATE TEMP TABLE scratch (n int) ON COMMIT DROP' },
      { client: 0, query: 'INSERT INTO scratch VALUES (2)' },
    ],
  ],
  [
    'A temporary table ON COMMIT DELETE ROWS kept them.',
    [
      { client: 0, query: 'CREATE TEMP TABLE scratch (n int) ON COMMIT DELETE ROWS' },
      { client: 0, query: 'INSERT INTO scratch VALUES (1)' },
      { client: 0, query: 'SELECT n FROM scratch ORDER BY n' },
    ],
  ],
  [
    'A temporary table that a rollback had taken was dropped, with a notice, at COMMIT.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'SAVEPOINT b' },
      { client: 0, query: 'CREATE TEMP TABLE scratch (n int) ON COMMIT DROP' },
      { client: 0, query: 'ROLLBACK TO b' },
      { client: 0, query: 'COMMIT' },
    ],
  ],
  [
    'A temporary table that ROLLBACK had taken was dropped, with a notice, by the next statement.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'CREATE TEMP TABLE scratch (n int) ON COMMIT DROP' },
      { client: 0, query: 'ROLLBACK' },
      { client: 0, query: 'SELECT 1' },
    ],
  ],
  [
    'A temporary table that could not be made changed what becomes of the one that was there.',
    [
      { client: 0, query: 'CREATE TEMP TABLE scratch (n int)' },
      { client: 0, query: 'CREATE TEMP TABLE scratch (n int) ON COMMIT DROP' },
      { client: 0, query: 'INSERT INTO scratch VALUES (3)' },
      { client: 0, query: 'INSERT INTO scratch VALUES (3)' },
    ],
  ],
  [
    'A temporary table that could not be made changed what becomes of the rows of the one that was there.',
    [
      { client: 0, query: 'CREATE TEMP TABLE scratch (n int) ON COMMIT DELETE ROWS' },
      { client: 0, query: 'CREATE TEMP TABLE scratch (n int)' },
      { client: 0, query: 'INSERT INTO scratch VALUES (2)' },
      { client: 0, query: 'SELECT n FROM scratch ORDER BY n' },
    ],
  ],
  [
    'CREATE TEMP TABLE and DECLARE through the unnamed portal did not find it.',
    [
      { client: 2, pipeline: [parse('CREATE TEMP TABLE scratch (n int) ON COMMIT DELETE ROWS'), bind(), execute()] },
      {
        client: 0,
        pipeline: [parse('DECLARE c1 CURSOR WITH HOLD FOR SELECT 1'), bind(), describe('portal'), execute()],
      },
    ],
  ],
  [
    'A client with default_transaction_read_only and a temporary table that hung up left the session in a failed transaction.',
    [
      { client: 1, query: 'BEGIN' },
      { client: 1, query: 'SET default_transaction_read_only = on' },
      { client: 1, query: 'CREATE TEMP TABLE scratch (n int) ON COMMIT DELETE ROWS' },
      { client: 1, query: 'COMMIT' },
      { client: 1, leaves: 'politely' },
      { client: 0, query: 'SELECT 1' },
    ],
  ],
  [
    'A temporary table ON COMMIT DROP that had one of its name before it stayed.',
    [
      { client: 0, query: 'CREATE TEMP TABLE scratch (n int)' },
      { client: 0, query: 'DROP TABLE scratch' },
      { client: 0, query: 'CREATE TEMP TABLE scratch (n int) ON COMMIT DROP' },
      { client: 0, query: 'INSERT INTO scratch VALUES (2)' },
    ],
  ],
  [
    'A temporary table ON COMMIT DROP behind one that failed with its text stayed.',
    [
      { client: 0, query: 'CREATE TEMP TABLE scratch (n int) ON COMMIT DELETE ROWS; SELECT 1 / 0' },
      { client: 0, query: 'CREATE TEMP TABLE scratch (n int) ON COMMIT DROP' },
      { client: 0, query: 'SELECT n FROM scratch' },
    ],
  ],
  [
    'A temporary table made after a rollback had taken one ON COMMIT DROP was dropped with it.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'CREATE TEMP TABLE scratch (n int) ON COMMIT DROP' },
      { client: 0, query: 'ROLLBACK AND CHAIN' },
      { client: 0, query: 'CREATE TEMP TABLE scratch (n int) ON COMMIT DELETE ROWS' },
      { client: 0, query: 'COMMIT' },
      { client: 0, query: 'SELECT n FROM scratch' },
    ],
  ],
  [
    'DISCARD ALL left temporary tables and cursors WITH HOLD behind.',
    [
      { client: 0, query: 'CREATE TEMP TABLE scratch (n int)' },
      { client: 0, query: 'DECLARE c1 CURSOR WITH HOLD FOR SELECT 1' },
      { client: 0, query: 'DISCARD ALL' },
      { client: 0, query: 'FETCH c1' },
      { client: 0, query: 'CREATE TEMP TABLE scratch (n int)' },
    ],
  ],
  [
    'After SET ROLE a temporary table ON COMMIT DELETE ROWS could not be emptied.',
    [
      { client: 0, query: 'CREATE TEMP TABLE scratch (n int) ON COMMIT DELETE ROWS' },
      { client: 0, query: 'SET ROLE reader' },
      { client: 0, query: 'SELECT current_user' },
    ],
  ],
  [
    'A client that hung up in a READ ONLY transaction that had done nothing left its temporary table behind.',
    [
      { client: 0, query: 'CREATE TEMP TABLE scratch (n int)' },
      { client: 0, query: 'BEGIN READ ONLY' },
      { client: 0, leaves: 'politely' },
      { client: 0, query: 'CREATE TEMP TABLE scratch (n int)' },
    ],
  ],
]
