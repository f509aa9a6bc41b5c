import { defineErrors, kind } from '@seedbed/environments/errors'

export const { errors: templateErrors, kinds: templateErrorKinds } = defineErrors({
  EXTENSION_UNAVAILABLE: kind({
    title: 'An extension of the config cannot be created',
    why: 'Extensions are created in every template before the migrations, by the role that administers the server. The server either does not have the extension (the embedded server carries most of contrib, but neither PostGIS nor pgvector), or the role may not create it: only trusted extensions can be created without superuser rights.',
    example: {
      extension: 'postgis',
      reason: 'extension "postgis" is not available',
      server: 'embedded PostgreSQL 18.4',
    },
    message: d => `The extension ${d.extension} of the config cannot be created on ${d.server}: ${d.reason}`,
    hint: () =>
      'Check the name; or use a server that has it: set TEST_DATABASE_URL to one, or server: { container: { image: … } }.',
  }),
})
