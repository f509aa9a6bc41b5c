import { describe, expect, test } from 'vitest'
import { restorePoints } from '../../src/worker/restore-points.js'

describe('restore points', () => {
  test('a test below scopes that wrote nothing shares the transaction’s start', () => {
    const points = restorePoints('p')
    points.enter()
    points.enter()
    expect(points.beforeStatement()).toBeNull()
    expect(points.leave()).toBe('ROLLBACK AND CHAIN')
    expect(points.leave()).toBeNull()
  })

  test('a scope in which nothing ran costs nothing', () => {
    const points = restorePoints('p')
    points.enter()
    points.beforeStatement()
    points.enter()
    expect(points.leave()).toBeNull()
  })

  test('below a scope that wrote, a savepoint is made once and serves the tests that follow', () => {
    const points = restorePoints('p')
    points.enter()
    points.beforeStatement()
    for (const expected of ['SAVEPOINT p_1', null, null]) {
      points.enter()
      expect(points.beforeStatement()).toBe(expected)
      expect(points.beforeStatement()).toBeNull()
      expect(points.leave()).toBe('ROLLBACK TO SAVEPOINT p_1')
    }
    expect(points.leave()).toBe('ROLLBACK AND CHAIN')
  })

  test('what the outer scope writes between two tests is kept apart from the second', () => {
    const points = restorePoints('p')
    points.enter()
    points.beforeStatement()
    points.enter()
    points.beforeStatement()
    points.leave()
    points.beforeStatement()
    points.enter()
    expect(points.beforeStatement()).toBe('SAVEPOINT p_2')
    expect(points.leave()).toBe('ROLLBACK TO SAVEPOINT p_2')
  })
})
