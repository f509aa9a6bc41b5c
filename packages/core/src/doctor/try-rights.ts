import { randomBytes } from 'node:crypto'
import type { Client } from 'pg'
import { loadPg } from '../server/load-pg.js'

export interface Tried {
  /** What was tried: `create a table`. */
  right: string
  /** Why the server has refused it; null if it did not. */
  refused: string | null
}

/**
 * Does, in one transaction that is rolled back, whatever migrations, seeds and tests do with a database. What the server refuses is undone
 * alone, and the rest is tried all the same. Names are random; whatever ends this session, the server rolls back.
 *
 * @param extensions that are made, too
 */
export async function tryRights(client: Client, extensions: readonly string[]): Promise<Tried[]> {
  const { escapeIdentifier } = loadPg()
  const name = `seedbed_doctor_${randomBytes(16).toString('hex')}`
  const all: [string, string][] = [
    ...extensions.map((each): [string, string] => [
      `create the extension ${each}`,
      `create extension if not exists ${escapeIdentifier(each)} cascade`,
    ]),
    ...rights.map(([right, sql]): [string, string] => [right, sql.replaceAll('$name', name)]),
  ]
  const tried: Tried[] = []
  await client.query('begin')
  try {
    for (const [right, sql] of all) tried.push({ right, refused: await tryOne(client, sql) })
  } finally {
    await client.query('rollback')
  }
  return tried
}

async function tryOne(client: Client, sql: string): Promise<string | null> {
  await client.query('savepoint seedbed_doctor')
  try {
    await client.query(sql)
    await client.query('release savepoint seedbed_doctor')
    return null
  } catch (error) {
    await client.query('rollback to savepoint seedbed_doctor')
    return (error as Error).message
  }
}

/** Each stands on those before it. */
const rights: [right: string, sql: string][] = [
  ['create a schema', 'create schema $name'],
  ['create a table', 'create table $name.a (id int generated always as identity primary key, name text)'],
  ['insert', `insert into $name.a (name) values ('Ada')`],
  ['select', 'select * from $name.a'],
  ['update', `update $name.a set name = 'Grace'`],
  ['delete', 'delete from $name.a'],
  ['truncate', 'truncate $name.a restart identity'],
  ['alter a table', 'alter table $name.a add column email text unique'],
  ['create an index', 'create index on $name.a (name)'],
  ['create a view', 'create view $name.b as select * from $name.a'],
  ['create a sequence', 'create sequence $name.c'],
  ['create a type', `create type $name.d as enum ('one')`],
  ['create a function', `create function $name.e() returns trigger language plpgsql as 'begin return new; end'`],
  ['create a trigger', 'create trigger f before insert on $name.a for each row execute function $name.e()'],
  ['create a temporary table', 'create temporary table $name (id int)'],
  ['drop a table', 'drop table $name.a cascade'],
  ['drop a schema', 'drop schema $name cascade'],
]
