import { pool } from './database.ts'

/** Lends any copy of a book that is on the shelf. Answers with the loan's id (a bigint, as text), or null. */
export async function lend(bookId: number, memberId: number, dueOn: string): Promise<string | null> {
  const { rows } = await pool.query<{ id: string }>(
    `insert into loan (copy_id, member_id, due_on)
     select id, $2, $3 from copy where book_id = $1 and status = 'on shelf' order by id limit 1
     returning id`,
    [bookId, memberId, dueOn],
  )
  return rows[0]?.id ?? null
}

export async function takeBack(loanId: string): Promise<void> {
  await pool.query('update loan set returned_at = now() where id = $1', [loanId])
}

/** E-mail addresses of members with a loan that was due before `day`, unless they want no reminders. */
export async function reminders(day: string): Promise<string[]> {
  const { rows } = await pool.query<{ email: string }>(
    `select distinct email from loan join member on member.id = member_id
     where returned_at is null and due_on < $1 and (preferences->>'reminders')::boolean order by email`,
    [day],
  )
  return rows.map(row => row.email)
}
