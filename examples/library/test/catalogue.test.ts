import { test } from '@seedbed/vitest'
import { describe, expect } from 'vitest'
import { addBook, titlesAbout, titlesIn } from '../src/catalogue.ts'

describe('the catalogue', () => {
  test('lists a category with all below it', async () => {
    expect(await titlesIn('Science')).toEqual(['The Art of Computer Programming', 'The Practice of Programming'])
    expect(await titlesIn('Fiction')).toEqual(['Orlando: A Biography'])
  })

  test('finds a topic inside the details', async () => {
    expect(await titlesAbout('testing')).toEqual(['The Practice of Programming'])
  })

  test('adds a book with an author it knows and one it does not', async ({ db, seeds }) => {
    const id = await addBook({
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

  test('adds nothing of a book whose last author is refused', async ({ db }) => {
    await db.query("alter table author add check (name <> 'Nobody')")
    const book = { isbn: '978-0-00-000000-0', title: 'Untitled', categoryId: 4, authors: ['Somebody', 'Nobody'] }
    await expect(addBook(book)).rejects.toMatchObject({ code: '23514' })
    expect((await db.query("select from author where name = 'Somebody'")).rowCount).toBe(0)
  })

  test('adds several books at once', async () => {
    const titles = ['A Room of One’s Own', 'Flush', 'The Waves']
    const add = (title: string, index: number) =>
      addBook({ isbn: `978-1-00-000000-${index}`, title, categoryId: 2, authors: ['Virginia Woolf'] })
    await Promise.all(titles.map(add))
    expect(await titlesIn('Fiction')).toEqual([...titles.slice(0, 2), 'Orlando: A Biography', titles[2]])
  })

  test('still has three books, whatever the tests before have added', async ({ db }) => {
    expect((await db.query('select count(*)::int from book')).rows).toEqual([{ count: 3 }])
  })
})
