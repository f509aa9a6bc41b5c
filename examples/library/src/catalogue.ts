import { inTransaction, pool } from './database.ts'

export interface NewBook {
  isbn: string
  title: string
  subtitle?: string
  categoryId: number
  authors: string[]
}

/** Adds a book with its authors and one copy; all or nothing. Answers with the book's id. */
export function addBook(book: NewBook): Promise<number> {
  return inTransaction(async client => {
    const { rows } = await client.query<{ id: number }>(
      'insert into book (isbn, title, subtitle, category_id) values ($1, $2, $3, $4) returning id',
      [book.isbn, book.title, book.subtitle, book.categoryId],
    )
    const id = rows[0]!.id
    for (const name of book.authors) {
      await client.query(
        `with known as (select id from author where name = $2),
              added as (insert into author (name) select $2 where not exists (select from known) returning id)
         insert into book_author select $1::int, id from known union all select $1::int, id from added`,
        [id, name],
      )
    }
    await client.query('insert into copy (book_id) values ($1)', [id])
    return id
  })
}

/** Titles in a category and all below it, in alphabetical order. */
export async function titlesIn(category: string): Promise<string[]> {
  const { rows } = await pool.query<{ full_title: string }>(
    `with recursive below as (
       select id from category where name = $1
       union all
       select category.id from category join below on category.parent_id = below.id
     )
     select full_title from book where category_id in (select id from below) order by full_title`,
    [category],
  )
  return rows.map(row => row.full_title)
}

/** Titles whose details name the topic. */
export async function titlesAbout(topic: string): Promise<string[]> {
  const { rows } = await pool.query<{ title: string }>(
    "select title from book where details->'topics' ? $1 order by title",
    [topic],
  )
  return rows.map(row => row.title)
}
