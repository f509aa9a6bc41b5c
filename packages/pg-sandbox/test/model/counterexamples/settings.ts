import { bind, close, describe, execute, parse } from '../../wire/requests.js'
import type { Counterexample } from './counterexample.js'

export const settings: Counterexample[] = [
  [
    'SET LOCAL warned in a text of several statements.',
    [{ client: 0, query: `SET LOCAL application_name = 'renamed'; CLOSE c1` }],
  ],
  [
    'SET LOCAL of a parameter of the transaction did not warn.',
    [{ client: 0, query: 'SET LOCAL transaction_read_only = on' }],
  ],
  [
    'SET LOCAL of a wrong value succeeded outside of a transaction.',
    [{ client: 0, query: `SET LOCAL work_mem = 'lots'` }],
  ],
  [
    'RESET went to the value of the session, not of the client.',
    [
      { client: 1, query: 'RESET work_mem' },
      { client: 1, query: `SELECT current_setting('app.who'), current_setting('work_mem')` },
    ],
  ],
  [
    'What is asked about settings replaced the unnamed statement of the client.',
    [{ client: 0, pipeline: [parse('RESET ROLE'), bind(), describe('portal'), execute({ rows: 2 })] }],
  ],
  [
    'A ParameterStatus came with whatever answer.',
    [
      { client: 0, query: 'FETCH NEXT FROM c1' },
      { client: 0, query: 'RESET ALL' },
    ],
  ],
  [
    'SET LOCAL through messages did not warn outside of a transaction.',
    [
      { client: 0, pipeline: [parse('SET LOCAL datestyle = german'), bind(), describe('portal'), execute()] },
      { client: 0, pipeline: [parse(`SET LOCAL work_mem = 'lots'`), bind(), execute()] },
    ],
  ],
  [
    'A ParameterStatus came with a RESET that changed nothing.',
    [
      {
        client: 1,
        pipeline: [
          parse(`SELECT set_config('app.who', $1, $2)`),
          bind(['bob', 'false']),
          execute(),
          parse('RESET application_name'),
          bind(),
          execute(),
        ],
      },
    ],
  ],
  [
    'SET in a batch checked the constraints that are deferred to its end.',
    [
      {
        client: 0,
        pipeline: [
          parse('INSERT INTO entry (account_id) VALUES (3)'),
          bind(),
          execute(),
          parse(`SET SESSION TimeZone = 'Asia/Tokyo'`),
          bind(),
          execute(),
        ],
      },
      { client: 0, query: 'SHOW TimeZone' },
    ],
  ],
  [
    'EXECUTE did not find a prepared SET.',
    [
      { client: 0, pipeline: [parse('SET TIME ZONE 3', 's1'), parse(`SET work_mem = 'lots'`, 's2')] },
      { client: 0, query: 'EXECUTE s1' },
      { client: 0, query: 'EXECUTE s2' },
    ],
  ],
  [
    'A ParameterStatus came for a SET of a batch that failed.',
    [
      { client: 0, pipeline: [parse(`SET application_name = 'renamed'`, 's1')] },
      { client: 0, pipeline: [bind([], { statement: 's1' }), execute({ rows: 1 }), execute({ rows: 1 })] },
    ],
  ],
  [
    'set_config with parameters in a batch of several was lost.',
    [
      {
        client: 0,
        pipeline: [
          parse(`SELECT set_config('app.who', $1, $2)`),
          bind(['bob', 'false']),
          execute({ rows: 1 }),
          parse('SELECT 1'),
          bind(),
          execute({ rows: 1 }),
          close('portal', 'p1'),
        ],
      },
      { client: 0, query: 'SHOW app.who' },
    ],
  ],
  [
    'COMMIT put back what SET LOCAL had found below a savepoint, though ROLLBACK TO had undone that too.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'SAVEPOINT a' },
      { client: 0, query: 'SET search_path = public' },
      { client: 0, query: 'SET LOCAL search_path = shadow, public' },
      { client: 0, query: 'ROLLBACK TO a' },
      { client: 0, query: 'RELEASE a' },
      { client: 0, query: 'COMMIT' },
    ],
  ],
  [
    'COMMIT kept what SET LOCAL had made, since ROLLBACK TO had undone a SET behind it.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: `SET LOCAL app.who = 'gil'` },
      { client: 0, query: 'SAVEPOINT a' },
      { client: 0, query: `SET app.who = 'hal'` },
      { client: 0, query: 'ROLLBACK TO a' },
      { client: 0, query: 'COMMIT' },
      { client: 0, query: 'SHOW app.who' },
    ],
  ],
  [
    'SET LOCAL as the first of a batch did nothing.',
    [
      {
        client: 0,
        pipeline: [parse(`SET LOCAL app.who = 'gil'`), bind(), execute(), parse('SHOW app.who'), bind(), execute()],
      },
      { client: 0, query: 'SHOW app.who' },
    ],
  ],
  [
    'DISCARD ALL did not say which parameters it had put back.',
    [
      { client: 0, query: `SET application_name = 'renamed'` },
      { client: 0, query: 'DISCARD ALL' },
    ],
  ],
]
