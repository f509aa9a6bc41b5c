import { expect, test } from 'vitest'
import { difference, type Facts } from '../../src/doctor/check-settings.js'

test('what differs between two servers, and what only has another name', () => {
  const tests: Facts = {
    ...{ version: '18.4', timeZone: 'UTC', encoding: 'UTF8', collation: 'builtin C.UTF-8' },
    ...{ standardStrings: 'on', fsync: 'off', fullPageWrites: 'off' },
  }
  const found = (there: Partial<Facts>) =>
    difference({ ...tests, ...there }, { facts: tests, where: 'in tests' }, 'db:5432/shop', null)
  const same = { version: '18.1', timeZone: 'Etc/UTC', collation: 'libc C.utf8', fsync: 'on' }
  expect(found(same)).toMatchObject({
    level: 'ok',
    found: 'db:5432/shop is as in tests: PostgreSQL 18.1',
  })
  const other = {
    version: '17.2',
    timeZone: 'Europe/Vienna',
    encoding: 'LATIN1',
    collation: 'icu de-AT',
    standardStrings: 'off',
  }
  const { level, found: text, wayOut } = found(other)
  expect(level).toBe('warning')
  expect(text).toBe(
    'db:5432/shop has PostgreSQL 17.2, in tests 18.4; the time zone Europe/Vienna, in tests UTC; the encoding LATIN1, in tests UTF8; ' +
      'the collation icu de-AT, in tests builtin C.UTF-8; standard_conforming_strings off, in tests on',
  )
  expect(wayOut).toHaveLength(5)
  expect(wayOut[0]).toContain("image: 'postgres:17-alpine'")
})
