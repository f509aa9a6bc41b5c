import { randomBytes } from 'node:crypto'

/**
 * A name for a new database and the comment that repeats whose it is. The name says what it is for people and ends in
 * 128 random bits, so that nobody else's database can have it; it has 63 bytes at most, which is what PostgreSQL keeps.
 *
 * @example newDatabase('template', 'shop:1f3a…').name // 'template_shop_1f3a_9c1d…'
 */
export function newDatabase(kind: 'template' | 'clone', key: string): { name: string; comment: string } {
  return { name: nameOf(kind, key, { letters: 20, bytes: 16 }), comment: newComment(kind) }
}

/**
 * A name for people, with as much of the label as there is room for, and a comment. It need not be unguessable: a database is
 * renamed only if there is none of that name.
 *
 * @example keptDatabase('users.test.ts renames').name // 'kept_users_test_ts_renames_8c1f02ab'
 */
export function keptDatabase(label: string): { name: string; comment: string } {
  return { name: nameOf('kept', label, { letters: 49, bytes: 4 }), comment: newComment('kept') }
}

function nameOf(kind: string, text: string, { letters, bytes }: { letters: number; bytes: number }): string {
  const readable = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .slice(0, letters)
    .replace(/^_|_$/g, '')
  return [kind, readable, randomBytes(bytes).toString('hex')].filter(part => part !== '').join('_')
}

const newComment = (kind: string) => `pg-template-db ${kind} ${randomBytes(16).toString('hex')}`
