import { Client } from 'pg'
import { expect, test } from 'vitest'
import { openSandbox } from '../src/index.js'
import { connectWire } from './wire/wire-client.js'
import { column, overTcp, usePlace } from './support.js'

const place = usePlace(`
  create table item (name text);
  create function misread() returns text language plpgsql as
    $$ begin perform set_config('client_encoding', 'SJIS', false); return 'done'; end $$;
  create role careless login;
  alter role careless set standard_conforming_strings = off`)

const committed = async () => (await place.outside('select * from item')).rowCount

const refusal = (name: string, value: string) =>
  expect.objectContaining({ code: '0A000', message: expect.stringContaining(`${name} cannot be "${value}"`) as string })

test.each(['SJIS', 'SHIFT_JIS_2004', 'BIG5', 'GBK', 'UHC', 'GB18030', 'JOHAB', 'LATIN1'])(
  '%s is refused, in which a part of a character may hide a COMMIT',
  async encoding => {
    const client = await place.connect()
    await client.query("insert into item values ('here')")
    for (const text of [
      `set client_encoding = '${encoding}'`,
      `set names '${encoding}'`,
      `select set_config('client_encoding', '${encoding}', false)`,
      `select set_config('client_encoding', '${encoding}', true)`,
      `select 1; set client_encoding = '${encoding}'; select E'Ã\\'; commit; begin --'`,
    ]) {
      await expect(client.query(text), text).rejects.toEqual(refusal('client_encoding', encoding))
      // As many as ever: the error has ended no more than its own statement.
      expect(await column(client, 'select name from item')).toEqual(['here'])
      expect(await column(client, 'show client_encoding')).toEqual(['UTF8'])
    }
    await client.query('select set_config($1, $2, false)', ['client_encoding', encoding]).then(
      () => expect.unreachable(),
      (error: Error) => expect(error).toEqual(refusal('client_encoding', encoding)),
    )
    expect(await column(client, 'show client_encoding')).toEqual(['UTF8'])
    expect(await committed()).toBe(0)
  },
)

test.each([
  ['client_encoding', ['SJIS', 'sjis', 'LATIN1'], ['utf-8', 'UNICODE', 'SQL_ASCII', "'utf8'"]],
  ['standard_conforming_strings', ['off', 'false', '0'], ['on', 'true']],
])('%s is looked at in the log-in too, whatever its value is called', async (name, refused, taken) => {
  const logIn = (value: string) => connectWire({ url: overTcp(place.sandbox), settings: { [name]: value } })
  for (const value of refused) await expect(logIn(value), value).rejects.toEqual(refusal(name, value))
  for (const value of taken) {
    await using client = await logIn(value)
    expect(await client.query("select 'ä\\'")).toContainEqual({ type: 'row', values: ['ä\\'] })
  }
})

test('in a transaction it costs the transaction, and in a function’s disguise as well', async () => {
  const client = await place.connect()
  await client.query('begin')
  await client.query("insert into item values ('gone')")
  await expect(client.query('select misread()')).rejects.toEqual(refusal('client_encoding', 'SJIS'))
  await expect(client.query("select E'Ã\\'; commit; begin --'")).rejects.toMatchObject({ code: '25P02' })
  await client.query('rollback')
  expect(await column(client, 'show client_encoding')).toEqual(['UTF8'])
  expect(await column(client, 'select name from item')).toEqual([])
  expect(await committed()).toBe(0)
})

test('strings in which a backslash escapes a quote are refused, and a role that wants them does not get them', async () => {
  const client = await place.connect()
  await expect(client.query('set standard_conforming_strings = off')).rejects.toEqual(
    refusal('standard_conforming_strings', 'off'),
  )
  // With it, the string would end before the first semicolon.
  const hidden = `select 'a\\'', name from item; commit; begin; select '''`
  const read = [`a\\', name from item; commit; begin; select '`]
  expect(await column(client, hidden)).toEqual(read)

  const url = new URL(place.server.url)
  url.username = 'careless'
  await using sandbox = await openSandbox({ url: url.href })
  await sandbox.enter('a test')
  const careless = new Client(sandbox.url)
  await careless.connect()
  expect(await column(careless, hidden)).toEqual(read)
  await careless.end()
})
