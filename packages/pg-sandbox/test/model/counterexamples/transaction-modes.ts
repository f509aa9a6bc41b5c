import { bind, execute, parse } from '../../wire/requests.js'
import type { Counterexample } from './counterexample.js'

export const transactionModes: Counterexample[] = [
  [
    'The notices of deferred triggers were lost at COMMIT AND CHAIN.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'INSERT INTO rank VALUES (3)' },
      { client: 0, query: 'COMMIT AND CHAIN' },
      { client: 0, query: 'ROLLBACK' },
    ],
  ],
  [
    'SET TRANSACTION READ ONLY warned, and did nothing, in a text of several statements.',
    [
      {
        client: 0,
        query:
          'INSERT INTO rank VALUES (5); SET TRANSACTION READ ONLY; UPDATE account SET balance = 1 WHERE id = 2 RETURNING 1',
      },
    ],
  ],
  [
    'A second BEGIN did not make the transaction READ ONLY.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'BEGIN READ ONLY' },
      { client: 0, query: 'INSERT INTO rank VALUES (5)' },
    ],
  ],
  [
    'BEGIN READ ONLY behind another statement of its text did not make the transaction READ ONLY.',
    [
      { client: 0, query: 'UPDATE rank SET place = 6 WHERE place = 1; START TRANSACTION READ ONLY' },
      { client: 0, query: 'SELECT name FROM account WHERE id = 2 FOR UPDATE' },
    ],
  ],
  [
    'The chained transaction was READ ONLY, though the one before had failed.',
    [
      { client: 0, query: 'BEGIN READ ONLY' },
      { client: 0, query: 'INSERT INTO rank VALUES (5)' },
      { client: 0, query: 'ROLLBACK AND CHAIN' },
      { client: 0, query: 'INSERT INTO rank VALUES (5)' },
    ],
  ],
  [
    'COMMIT AND CHAIN was taken in a text of several statements without BEGIN.',
    [{ client: 0, query: 'UPDATE rank SET place = 5 WHERE place = 1; COMMIT AND CHAIN' }],
  ],
  [
    'SET SESSION CHARACTERISTICS did not make the next statement READ ONLY.',
    [
      { client: 0, query: 'SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY' },
      { client: 0, query: 'INSERT INTO rank VALUES (5)' },
      { client: 0, query: 'COMMIT; DELETE FROM entry WHERE account_id = 1; BEGIN' },
    ],
  ],
  [
    'READ ONLY stood in the way of ON COMMIT DELETE ROWS.',
    [
      { client: 0, query: 'CREATE TEMP TABLE scratch (n int) ON COMMIT DELETE ROWS' },
      { client: 0, query: 'BEGIN READ ONLY' },
      { client: 0, query: 'INSERT INTO scratch VALUES (1)' },
      { client: 0, query: 'COMMIT' },
      { client: 0, query: 'SELECT n FROM scratch' },
    ],
  ],
  [
    'SET TRANSACTION warned behind another statement of its batch.',
    [
      {
        client: 0,
        pipeline: [
          parse('SELECT 1'),
          bind(),
          execute(),
          parse('SET TRANSACTION READ ONLY'),
          bind(),
          execute(),
          parse('INSERT INTO rank VALUES (5)'),
          bind(),
          execute(),
        ],
      },
    ],
  ],
  [
    'A client that hung up in a READ ONLY transaction left the session in a failed one.',
    [
      { client: 0, query: 'CREATE TEMP TABLE scratch (n int)' },
      { client: 0, query: 'BEGIN READ ONLY' },
      { client: 0, leaves: 'politely' },
      { client: 0, query: 'SELECT 1' },
    ],
  ],
  [
    'default_transaction_read_only was taken for the modes of a chained transaction.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'SET default_transaction_read_only = on' },
      { client: 0, query: 'END AND CHAIN' },
      { client: 0, query: 'INSERT INTO rank VALUES (5)' },
    ],
  ],
  [
    'SET TRANSACTION READ ONLY as the first of a batch did nothing.',
    [
      {
        client: 0,
        pipeline: [
          parse('SET TRANSACTION READ ONLY'),
          bind(),
          execute(),
          parse('INSERT INTO rank VALUES (5)'),
          bind(),
          execute(),
        ],
      },
    ],
  ],
]
