import { expect, test } from 'vitest'
import { transactionControl } from '../../src/worker/transaction-control.js'

test.each([
  ['begin', 'begin'],
  ['BEGIN TRANSACTION;', 'begin'],
  ['-- a note\nstart transaction', 'begin'],
  ['/* x */ Begin Work', 'begin'],
  ['commit', 'commit'],
  ['end;', 'commit'],
  ['COMMIT AND NO CHAIN', 'commit'],
  ['rollback', 'rollback'],
  ['abort work', 'rollback'],
  ['rollback to savepoint a', 'savepoint'],
  ['ROLLBACK WORK TO a', 'savepoint'],
  ['SAVEPOINT a', 'savepoint'],
  ['release a;', 'savepoint'],
  ['begin isolation level serializable', 'unsupported'],
  ['start transaction read only', 'unsupported'],
  ['commit and chain', 'unsupported'],
  ["prepare transaction 'x'", 'unsupported'],
  ['prepare q as select 1', null],
  ['select 1', null],
  ['insert into commit values (1)', null],
  ['begin; select 1', null],
  ['', null],
])('%j is %j', (text, expected) => {
  expect(transactionControl(text)).toBe(expected)
})
