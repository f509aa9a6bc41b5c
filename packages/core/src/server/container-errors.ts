import { defineErrors, kind } from '@seedbed/environments/errors'

const otherWays =
  'leave `server` out of the config for the embedded PostgreSQL, or set TEST_DATABASE_URL to a PostgreSQL of your own'

export const { errors: containerErrors, kinds: containerErrorKinds } = defineErrors({
  SERVER_CONTAINER_PACKAGE: kind<{ folder: string; problem: string }>({
    title: 'The package that starts containers cannot be used',
    why: 'A server in a container is started by `@testcontainers/postgresql`, which is a package of your project and not of Seedbed’s, so that you choose its version and those who need no container do not install it.',
    example: { folder: '/home/ada/shop', problem: 'it is not installed' },
    message: ({ folder, problem }) =>
      `The config asks for a server in a container, but the package @testcontainers/postgresql cannot be used from ${folder}: ${problem}.`,
    hint: () => `Run npm install --save-dev @testcontainers/postgresql@11, or ${otherWays}.`,
  }),
  SERVER_CONTAINER_ENGINE: kind<{ problem: string }>({
    title: 'No container engine answers',
    why: 'A container needs an engine that runs it: Docker, Podman, or what DOCKER_HOST names. Seedbed looks for it in the places where testcontainers does.',
    example: { problem: 'Could not find a working container runtime strategy' },
    message: ({ problem }) =>
      `The config asks for a server in a container, but no Docker engine answers here: ${problem}.`,
    hint: () =>
      `Start Docker (docker info must work for this user), set DOCKER_HOST to where the engine is, or ${otherWays}.`,
  }),
  SERVER_CONTAINER_IMAGE: kind<{ image: string; problem: string }>({
    title: 'The container’s image cannot be had',
    why: 'The image is not on the engine, and it cannot be pulled from its registry.',
    example: { image: 'postgres:99', problem: 'manifest for postgres:99 not found' },
    message: ({ image, problem }) => `There is no image ${image} on the engine, and it cannot be pulled: ${problem}`,
    hint: ({ image }) =>
      `Check the name in server.container.image, and that docker pull ${image} works for this user; or ${otherWays}.`,
  }),
  SERVER_CONTAINER_DID_NOT_START: kind<{ image: string; problem: string }>({
    title: 'The server in the container does not start',
    why: 'The container ended before PostgreSQL answered, or could not be started at all. The image has to be the official one or one made from it: Seedbed sets POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB, POSTGRES_INITDB_ARGS and PGDATA, and gives settings as `postgres -c name=value`.',
    example: { image: 'redis:8', problem: 'exec: "postgres": executable file not found in $PATH' },
    message: ({ image, problem }) => `A container of the image ${image} did not become a server:\n\n${problem}`,
    hint: () => 'Use the official image postgres, version 15 or newer, or one made from it (pgvector, PostGIS, …).',
  }),
  SERVER_CONTAINER_REFUSES: kind<{ container: string; problem: string }>({
    title: 'A running container does not let us in',
    why: 'The project’s container runs and answers, but opens no session. It is not removed, for another run may be using it.',
    example: { container: '4f0c2e9b7a11', problem: 'sorry, too many clients already' },
    message: ({ container, problem }) => `The server in container ${container} refuses a session: ${problem}`,
    hint: ({ container }) =>
      `If no other run of this project is on, remove it (docker rm --force --volumes ${container}): it is made again.`,
  }),
  SERVER_CONTAINER_TOO_OLD: kind<{ image: string; version: string }>({
    title: 'The container’s PostgreSQL is too old',
    why: 'Seedbed works with PostgreSQL 15 and newer.',
    example: { image: 'postgres:13', version: '13.22' },
    message: ({ image, version }) => `The image ${image} holds PostgreSQL ${version}; 15 or newer is needed.`,
    hint: () => 'Name a newer image in server.container.image.',
  }),
})
