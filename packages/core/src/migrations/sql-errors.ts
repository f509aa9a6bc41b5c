import { kind } from '@seedbed/environments/errors'

/** What a statement failed with. `line` is missing if it is not known which statement it was. */
export interface FailedStatement {
  file: string
  line?: number | undefined
  column?: number | undefined
  /** The statement's lines, numbered, with a caret. */
  excerpt?: string | undefined
  /** The server's message, and SQLSTATE if it came from the server. */
  message: string
  code?: string | undefined
  detail?: string | undefined
  hint?: string | undefined
  /** The server's CONTEXT: the functions in which it happened. */
  where?: string | undefined
  /** The statement inside a function that failed, with a caret. */
  internal?: string | undefined
  /** How to run such a file without a transaction, if it ran in one. */
  outsideTransaction?: string | undefined
}

/** Kinds that concern any SQL file, of migrations or seeds. */
export const sqlErrorKinds = {
  SQL_FAILED: kind<FailedStatement>({
    title: 'A statement failed',
    why:
      'The server refused a statement of a migration or a seed. Nothing of a failed template is kept, so nothing is ' +
      'left half done. Line and column are those of the file.',
    example: {
      file: 'migrations/003_orders.sql',
      line: 12,
      column: 24,
      excerpt: "  12 | insert into users (id, nmae) values (1, 'Ada')\n     |                        ^",
      message: 'column "nmae" of relation "users" does not exist',
      code: '42703',
    },
    message: failed =>
      [
        `${filePlace(failed)}: ${failed.message}${failed.code ? ` (SQLSTATE ${failed.code})` : ''}`,
        ...(failed.excerpt ? ['', failed.excerpt, ''] : []),
        ...(failed.detail ? [`Detail: ${failed.detail}`] : []),
        ...(failed.hint ? [`Hint: ${failed.hint}`] : []),
        ...(failed.where ? [`Context: ${failed.where}`] : []),
        ...(failed.internal ? [failed.internal] : []),
      ].join('\n'),
    hint: statementHint,
  }),
  SQL_PSQL_COMMAND: kind<{ file: string; line: number; command: string }>({
    title: 'An SQL file holds a command of psql',
    why:
      'Lines that begin with a backslash are commands of the program `psql`, not SQL. Seedbed knows those that `pg_dump` ' +
      'writes around a dump (`\\restrict`, `\\unrestrict`) and data after `COPY … FROM stdin;`.',
    example: { file: 'schema.sql', line: 3, command: '\\connect shop' },
    message: ({ file, line, command }) =>
      `${file}:${line}: ${command} is a command of psql, which the server does not know.`,
    hint: ({ command }) => psqlHint(command),
  }),
  SQL_NOT_TEXT: kind<{ file: string; line?: number; problem: string; wayOut: string }>({
    title: 'An SQL file is not UTF-8 text',
    why: 'Seedbed reads SQL files as UTF-8, with or without a byte order mark, and sends them to the server as such.',
    example: {
      file: 'seeds/towns.sql',
      line: 7,
      problem: 'has a byte sequence that is not UTF-8',
      wayOut: 'Save the file as UTF-8, for instance with: iconv -f WINDOWS-1252 -t UTF-8 seeds/towns.sql',
    },
    message: ({ file, line, problem }) => `${file}${line ? `:${line}` : ''} ${problem}.`,
    hint: ({ wayOut }) => wayOut,
  }),
  SQL_TRANSACTION_CONTROL: kind<{ file: string; line: number; statement: string; open: boolean }>({
    title: 'An SQL file begins or ends a transaction where it must not',
    why:
      'A file that runs inside the transaction of a test would end it with COMMIT or ROLLBACK, and what it wrote would ' +
      'stay. A file with `-- seedbed: no transaction` that leaves its own transaction open would lose what is in it.',
    example: { file: 'seeds/users.sql', line: 1, statement: 'BEGIN', open: false },
    message: ({ file, line, statement, open }) =>
      open
        ? `${file}:${line}: ${statement} opens a transaction that the file does not end.`
        : `${file}:${line}: ${statement} is not possible here: the file runs inside a transaction that is not its own.`,
    hint: ({ open }) =>
      open ? 'Add COMMIT, or remove BEGIN.' : 'Remove BEGIN, COMMIT and ROLLBACK; savepoints are allowed.',
  }),
  SQL_DIRECTIVE: kind<{ file: string; line: number; directive: string }>({
    title: 'An SQL file has a directive that does not exist',
    why:
      'A line `-- seedbed: …` tells Seedbed how to run the file. Misspelt it would have no effect, and nobody would ' +
      'notice.',
    example: { file: 'migrations/004_index.sql', line: 1, directive: 'notransaction' },
    message: ({ file, line, directive }) => `${file}:${line}: there is no directive «${directive}».`,
    hint: () => 'There is one: -- seedbed: no transaction',
  }),
}

/** @example filePlace({ file: 'a.sql', line: 3, column: 7 }) // 'a.sql:3:7' */
export function filePlace(at: { file: string; line?: number | undefined; column?: number | undefined }): string {
  return [at.file, at.line, at.column].filter(part => part !== undefined).join(':')
}

/** The way out, for what people really run into; the SQLSTATEs are those of the manual's appendix A. */
function statementHint({ code, message, outsideTransaction }: FailedStatement): string {
  const extension = /extension "([^"]+)"/.exec(message)?.[1]
  if (extension && code === '42501') {
    return (
      `Extensions are made by the server's administrator: write extensions: ['${extension}'] into seedbed.config, ` +
      'and CREATE EXTENSION IF NOT EXISTS here.'
    )
  }
  if (extension && ['0A000', '58P01', '22023'].includes(code ?? '')) {
    return (
      'This server does not carry the extension: use server: { container: { image: … } } with an image that does, ' +
      'or TEST_DATABASE_URL.'
    )
  }
  if (/must be owner of extension/.test(message)) {
    return 'Extensions belong to the administrator: remove COMMENT ON EXTENSION, or dump with pg_dump --no-comments.'
  }
  if (/must be (able to SET ROLE|member of role)/.test(message) || (code === '42704' && message.startsWith('role '))) {
    return (
      'Here objects belong to the role that runs this. A dump says otherwise unless it is made with ' +
      'pg_dump --no-owner --no-privileges; a role that you need has to be created first.'
    )
  }
  if (code === '42710' && /role/i.test(message)) {
    return (
      'Roles belong to the whole server and outlive a database. Ask pg_roles before CREATE ROLE, or catch ' +
      'duplicate_object in a DO block.'
    )
  }
  if (outsideTransaction && (code === '25001' || code === '55P04')) return outsideTransaction
  return 'Mend the statement and run again. A database that was not finished is thrown away.'
}

function psqlHint(command: string): string {
  if (/^\\c(onnect)?\b/.test(command)) {
    return 'Remove the line: Seedbed makes the database itself. `pg_dump` without `--create` does not write it.'
  }
  if (/^\\ir?\b|^\\include/.test(command)) {
    return 'Put the included file into the migrations folder, where files run in the order of their names.'
  }
  return (
    'Remove the line, or run the file with psql itself: ' +
    "migrations: { command: 'psql -v ON_ERROR_STOP=1 -f …', dependsOn: […] }."
  )
}
