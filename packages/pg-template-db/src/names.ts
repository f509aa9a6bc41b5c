import { randomBytes } from 'node:crypto'

/**
 * A name for a new database and the comment that repeats whose it is. The name says what it is for people and ends in
 * 128 random bits, so that nobody else's database can have it; it has 63 bytes at most, which is what PostgreSQL keeps.
 *
 * @example newDatabase('template', 'shop:1f3a…').name // 'template_shop_1f3a_9c1d…'
 */
export function newDatabase(kind: 'template' | 'clone', key: string): { name: string; comment: string } {
  const readable = key
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .slice(0, 20)
    .replace(/^_|_$/g, '')
  const random = randomBytes(16).toString('hex')
  return {
    name: [kind, readable, random].filter(part => part !== '').join('_'),
    comment: `pg-template-db ${kind} ${randomBytes(16).toString('hex')}`,
  }
}
