import { expect, test } from 'vitest'
import { openServer } from '../../src/server/open-server.js'
import { testHome } from './support.js'

// What needs a Docker engine is test/compat/docker: npm run compat -- docker.

test.each(['container' as const, { container: { image: 'postgres:17' } }])(
  'server: %j without the package that starts containers says what to install',
  async server => {
    await using place = await testHome()
    await expect(
      openServer({ projectFolder: place.project, config: { server }, home: place.home }),
    ).rejects.toMatchObject({
      code: 'SERVER_CONTAINER_PACKAGE',
      message: expect.stringContaining(
        `the package @testcontainers/postgresql cannot be used from ${place.project}: it is not installed`,
      ),
      hint: expect.stringContaining('npm install --save-dev @testcontainers/postgresql@11'),
    })
  },
)
