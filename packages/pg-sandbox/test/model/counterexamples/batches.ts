import { bind, execute, flush, parse } from '../../wire/requests.js'
import type { Counterexample } from './counterexample.js'

export const batches: Counterexample[] = [
  [
    'DISCARD ALL in a transaction failed without failing the transaction.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'DISCARD ALL; SELECT 1' },
    ],
  ],
  [
    'DISCARD ALL was taken in a text of several statements.',
    [{ client: 0, query: 'DISCARD ALL; BEGIN; SELECT count(*) FROM rank' }],
  ],
  [
    'What a batch had written stayed, though a RELEASE in it failed.',
    [
      {
        client: 0,
        pipeline: [
          parse('UPDATE account SET balance = $1 WHERE id = $2'),
          bind(['3', '2']),
          execute(),
          parse('RELEASE SAVEPOINT b'),
          bind(),
          execute(),
        ],
      },
    ],
  ],
  [
    'What a batch had written before its Flush stayed, though the batch failed.',
    [
      {
        client: 0,
        pipeline: [
          parse('UPDATE account SET balance = $1 WHERE id = $2'),
          bind(['3', '2']),
          execute(),
          flush,
          parse('INSERT INTO account (name) VALUES (NULL)'),
          bind(),
          execute(),
        ],
      },
    ],
  ],
]
