import { test } from '@seedbed/vitest'
import { describe, expect } from 'vitest'
import { addBook, titlesAbout, titlesIn } from '../src/catalogue.ts'

describe('the catalogue', () => {
  test('lists a category with all below it', async ({ db }) => {
    expect(await titlesIn(db, 'Science')).toEqual(['The Art of Computer Programming', 'The Practice of Programming'])
    expect(await titlesIn(db, 'Fiction')).toEqual(['Orlando: A Biography'])
  })

  test('finds a topic inside the details', async ({ db }) => {
    expect(await titlesAbout(db, 'testing')).toEqual(['The Practice of Programming'])
  })

  test('adds a book with an author it knows and one it does not', async ({ db, seeds }) => {
    const id = await addBook(db, {
      isbn: '978-0-13-110362-7',
      title: 'The C Programming Language',
      categoryId: 4,
      authors: ['Brian W. Kernighan', 'Dennis M. Ritchie'],
    })
    const { rows } = await db.query(
      'select author.id, name from author join book_author on author.id = author_id where book_id = $1 order by name',
      [id],
    )
    expect(rows).toEqual([
      { id: seeds.author.kernighan.id, name: 'Brian W. Kernighan' },
      { id: 5, name: 'Dennis M. Ritchie' },
    ])
  })

  test('adds nothing of a book whose ISBN is wrong', async ({ db }) => {
    const book = { isbn: 'none', title: 'Untitled', categoryId: 4, authors: ['Nobody'] }
    await expect(addBook(db, book)).rejects.toMatchObject({ code: '23514' })
    expect((await db.query("select from author where name = 'Nobody'")).rowCount).toBe(0)
  })

  test('still has three books, whatever the tests before have added', async ({ db }) => {
    expect((await db.query('select count(*)::int from book')).rows).toEqual([{ count: 3 }])
  })
})
