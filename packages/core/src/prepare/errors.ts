import { defineErrors, kind } from '@seedbed/environments/errors'

export const { errors: prepareErrors, kinds: prepareErrorKinds } = defineErrors({
  CACHE_NOTHING_TO_KEEP: kind<{ server: string }>({
    title: 'There is no folder that a CI could cache',
    why: 'A cache holds the cluster of the PostgreSQL from npm. On a server of yours, or in a container, templates and worker databases stay where they are; and what the key would have to name, such as the version, only the server could say.',
    example: { server: 'postgresql://app@localhost:5432/test' },
    message: ({ server }) => `This project is tested on ${server}, which has no folder to cache, and so no cache key.`,
    hint: () =>
      'Leave the cache out: npx seedbed prepare makes the template and the worker databases on that server, once for all machines. For the PostgreSQL from npm, unset TEST_DATABASE_URL and leave environments.test.url and server out of the config.',
  }),
})
