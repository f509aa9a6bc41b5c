import { expect, test } from 'vitest'
import { connectionStringsIn } from '../../src/doctor/connection-strings.js'

const harmful = (text: string) => connectionStringsIn(text).filter(({ isHarmless }) => !isHarmless)

test.each([
  ['DATABASE_URL=postgresql://ada:x9!kQz@db.shop.io:6432/shop', 'ada', 'db.shop.io', 'db.shop.io:6432/shop'],
  ['url: "postgres://ada:p%40ss9@10.0.0.7/shop?sslmode=require",', 'ada', '10.0.0.7', '10.0.0.7:5432/shop'],
  ['create_engine("postgresql+asyncpg://ada:x9kQz@db.shop.io/shop")', 'ada', 'db.shop.io', 'db.shop.io:5432/shop'],
  ['jdbc:postgresql://ada:x9kQz@db.shop.io/shop', 'ada', 'db.shop.io', 'db.shop.io:5432/shop'],
  ['POSTGRES://ada:x:9@k@db.shop.io/shop', 'ada', 'db.shop.io', 'db.shop.io:5432/shop'],
  ['psql "host=db.shop.io user=ada password=x9kQz dbname=shop"', 'ada', 'db.shop.io', 'db.shop.io:5432/shop'],
  ['psql postgresql://ada:x9kQz@[2001:db8::1]:5433/shop', 'ada', '[2001:db8::1]', '[2001:db8::1]:5433/shop'],
  ['postgres://ada:x9kQz@db.shop.io', 'ada', 'db.shop.io', null],
])('%s', (text, user, host, place) => {
  expect(connectionStringsIn(`first line\r\n  ${text}\r\n`)).toEqual([
    { line: 2, user, host, place, isHarmless: false },
  ])
})

test.each([
  'postgresql://ada:$DB_PASSWORD@db.shop.io/shop',
  'postgresql://ada:${process.env.PASSWORD}@db.shop.io/shop',
  'postgresql://ada:<password>@db.shop.io/shop',
  'postgresql://ada:%s@db.shop.io/shop',
  'postgresql://ada:***@db.shop.io/shop',
  'postgresql://ada@db.shop.io/shop',
  'mysql://ada:x9kQz@db.shop.io/shop',
  'https://ada:x9kQz@db.shop.io/shop',
  'host=db.shop.io user=ada password=$PASSWORD',
  `postgresql://ada:x9kQz@db.shop.io/${'x'.repeat(5_000)}`,
])('there is no password in %s', text => {
  expect(connectionStringsIn(text)).toEqual([])
})

test.each([
  'postgresql://postgres:postgres@db.shop.io/shop',
  'postgresql://ada:password@db.shop.io/shop',
  'postgresql://ada:changeme@db.shop.io/shop',
  'postgresql://ada:x9kQz@localhost/shop',
  'postgresql://ada:x9kQz@127.0.0.1:5433/shop',
  'postgresql://ada:x9kQz@[::1]/shop',
  'postgresql://ada:x9kQz@postgres:5432/shop',
  'postgresql://ada:x9kQz@db.example.com/shop',
  'postgresql://ada:x9kQz@db.invalid/shop',
  'postgresql://ada:x9kQz@%2Ftmp%2Fsocket/shop',
])('one of an example, or of this machine: %s', text => {
  expect(connectionStringsIn(text)).toHaveLength(1)
  expect(harmful(text)).toEqual([])
})

test('several on a line, and never the password itself', () => {
  const found = connectionStringsIn(
    '["postgres://a:qqqq1@one.shop.io/x", "postgres://b:qqqq2@two.shop.io/y"] (postgres://c:qqqq3@three.shop.io/z).',
  )
  expect(found.map(({ host, place }) => [host, place])).toEqual([
    ['one.shop.io', 'one.shop.io:5432/x'],
    ['two.shop.io', 'two.shop.io:5432/y'],
    ['three.shop.io', 'three.shop.io:5432/z'],
  ])
  expect(JSON.stringify(found)).not.toContain('qqqq')
})
