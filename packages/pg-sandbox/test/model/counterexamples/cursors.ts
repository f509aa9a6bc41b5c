import { bind, close, describe, execute, parse } from '../../wire/requests.js'
import type { Counterexample } from './counterexample.js'

export const cursors: Counterexample[] = [
  [
    'DECLARE CURSOR was refused in a text of several statements.',
    [{ client: 0, query: 'DECLARE c1 CURSOR FOR SELECT id FROM account ORDER BY id; FETCH ALL FROM c1' }],
  ],
  [
    'COMMIT closed a cursor that had gone with ROLLBACK TO.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'SAVEPOINT a' },
      { client: 0, query: 'DECLARE c1 CURSOR FOR SELECT id FROM account ORDER BY id' },
      { client: 0, query: 'ROLLBACK TO a' },
      { client: 0, query: 'COMMIT' },
    ],
  ],
  [
    'A cursor WITH HOLD was open to another client.',
    [
      { client: 0, query: 'DECLARE c1 CURSOR WITH HOLD FOR SELECT id FROM account ORDER BY id' },
      { client: 1, query: 'FETCH ALL FROM c1' },
    ],
  ],
  [
    'Two clients could not have a cursor WITH HOLD of the same name.',
    [
      { client: 0, query: 'DECLARE c1 CURSOR WITH HOLD FOR SELECT id FROM account ORDER BY id' },
      { client: 1, query: 'DECLARE c1 CURSOR WITH HOLD FOR SELECT name FROM account ORDER BY id' },
      { client: 0, query: 'FETCH ALL FROM c1' },
    ],
  ],
  [
    'A cursor was not seen as the portal that it is.',
    [
      { client: 0, query: 'DECLARE c1 SCROLL CURSOR WITH HOLD FOR SELECT id, name FROM account ORDER BY id' },
      { client: 0, pipeline: [describe('portal', 'c1'), execute({ portal: 'c1', rows: 1 }), close('portal', 'c1')] },
      { client: 0, query: 'FETCH ALL FROM c1' },
    ],
  ],
  [
    'A cursor WITH HOLD could have the name of one that is open.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'DECLARE c1 CURSOR FOR SELECT 1' },
      { client: 0, query: 'DECLARE c1 CURSOR WITH HOLD FOR SELECT 1' },
    ],
  ],
  [
    'A Bind that failed hid the cursor of that name.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'SAVEPOINT a' },
      { client: 0, pipeline: [bind([], { portal: 'c1', statement: 's2' }), execute({ portal: 'c1' })] },
      { client: 0, query: 'ROLLBACK TO a' },
      { client: 0, query: 'DECLARE c1 SCROLL CURSOR FOR SELECT id FROM account ORDER BY id' },
      { client: 0, query: 'FETCH NEXT FROM c1' },
      { client: 0, query: 'CLOSE c1' },
    ],
  ],
  [
    'LOCK TABLE and DECLARE CURSOR were refused behind another statement of their batch.',
    [
      {
        client: 0,
        pipeline: [
          parse('SELECT 1'),
          bind(),
          execute(),
          parse('LOCK TABLE account IN SHARE MODE'),
          bind(),
          execute(),
          parse('DECLARE c1 CURSOR FOR SELECT id FROM account ORDER BY id'),
          bind(),
          execute(),
        ],
      },
    ],
  ],
  [
    'A cursor could not be declared under the name of one that ROLLBACK TO had closed.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'SAVEPOINT b' },
      { client: 0, query: 'DECLARE c2 CURSOR WITH HOLD FOR SELECT id FROM account ORDER BY id' },
      { client: 0, query: 'ROLLBACK TO b' },
      { client: 0, query: 'DECLARE c2 CURSOR FOR SELECT id FROM account ORDER BY id' },
      { client: 0, query: 'MOVE NEXT FROM c2' },
    ],
  ],
  [
    'A cursor could not be declared under the name of one WITH HOLD that ROLLBACK had closed.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'DECLARE c2 CURSOR WITH HOLD FOR SELECT id FROM account ORDER BY id' },
      { client: 0, query: 'ROLLBACK AND CHAIN' },
      { client: 0, query: 'DECLARE c2 CURSOR FOR SELECT id FROM account ORDER BY id' },
      { client: 0, query: 'FETCH NEXT FROM c2' },
    ],
  ],
  [
    'DECLARE in a failed transaction looked at names.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'DECLARE c1 CURSOR WITH HOLD FOR SELECT 1' },
      { client: 0, query: 'SELECT 1 / 0' },
      { client: 0, query: 'DECLARE c1 CURSOR FOR SELECT 1' },
    ],
  ],
  [
    'A DECLARE in a failed transaction left its name behind.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'SELECT 1 / 0' },
      { client: 0, query: 'DECLARE c1 CURSOR WITH HOLD FOR SELECT 1' },
      { client: 0, query: 'ROLLBACK AND CHAIN' },
      { client: 0, query: 'DECLARE c1 CURSOR FOR SELECT 1; FETCH c1' },
    ],
  ],
  [
    'DECLARE did not see the portal of that name.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, pipeline: [parse('SELECT id FROM account ORDER BY id', 's2')] },
      { client: 0, pipeline: [bind([], { portal: 'c1', statement: 's2' }), execute({ portal: 'c1', rows: 1 })] },
      { client: 0, query: 'DECLARE c1 CURSOR FOR SELECT 1' },
    ],
  ],
  [
    'A portal of START TRANSACTION did not see the cursor of that name.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'DECLARE c1 CURSOR FOR SELECT 1' },
      { client: 0, pipeline: [parse('START TRANSACTION', 's1')] },
      { client: 0, pipeline: [bind([], { portal: 'c1', statement: 's1' }), execute({ portal: 'c1' })] },
    ],
  ],
  [
    'DECLARE through the portal that has its name succeeded.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, pipeline: [parse('DECLARE c1 CURSOR FOR SELECT 1', 's1')] },
      { client: 0, pipeline: [bind([], { portal: 'c1', statement: 's1' }), execute({ portal: 'c1', rows: 1 })] },
    ],
  ],
  [
    'A portal of RELEASE outside of a transaction did not see the cursor WITH HOLD of that name.',
    [
      { client: 0, query: 'DECLARE c1 CURSOR WITH HOLD FOR SELECT 1' },
      { client: 0, pipeline: [parse('RELEASE SAVEPOINT a', 's1')] },
      { client: 0, pipeline: [bind([], { portal: 'c1', statement: 's1' }), execute({ portal: 'c1' })] },
    ],
  ],
  [
    'The portal of a DECLARE WITH HOLD took the cursor with it.',
    [
      { client: 0, pipeline: [parse('DECLARE c1 CURSOR WITH HOLD FOR SELECT 1', 's1')] },
      { client: 0, pipeline: [bind([], { statement: 's1' }), execute()] },
      {
        client: 0,
        pipeline: [bind([], { portal: 'c1', statement: 's1' }), execute({ portal: 'c1' }), close('portal', 'c1')],
      },
      { client: 0, query: 'FETCH c1' },
    ],
  ],
  [
    'DECLARE WITH HOLD by messages did not see the cursor of that name.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'DECLARE c2 CURSOR FOR SELECT 1' },
      { client: 0, pipeline: [parse('DECLARE c2 CURSOR WITH HOLD FOR SELECT 1'), bind(), execute()] },
    ],
  ],
  [
    'A portal of LOCK or DECLARE was there in the batch behind the one that it had failed with.',
    [
      {
        client: 0,
        pipeline: [parse('LOCK TABLE account IN SHARE MODE', 's1'), parse('DECLARE c1 CURSOR FOR SELECT 1', 's2')],
      },
      { client: 0, pipeline: [bind([], { portal: 'p1', statement: 's1' }), execute({ portal: 'p1' })] },
      { client: 0, pipeline: [execute({ portal: 'p1' })] },
      { client: 0, pipeline: [bind([], { portal: 'p2', statement: 's2' }), execute({ portal: 'p2' })] },
      { client: 0, pipeline: [execute({ portal: 'p2' })] },
    ],
  ],
  [
    'A cursor that a message had closed was still there for DECLARE WITH HOLD.',
    [
      { client: 0, query: 'BEGIN' },
      { client: 0, query: 'DECLARE c1 CURSOR FOR SELECT 1' },
      { client: 0, pipeline: [close('portal', 'c1')] },
      { client: 0, query: 'DECLARE c1 CURSOR WITH HOLD FOR SELECT 1' },
    ],
  ],
]
