import { fileURLToPath } from 'node:url'
import { build, install, vitest } from '../support/repository.mjs'
import { dockerEngine } from './engine.mjs'
import { testImages } from './image.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))

/** The server in a container, on a real Docker engine. */
export default async function job() {
  const engine = await dockerEngine()
  try {
    const images = await testImages()
    await install(`${here}project`)
    await build()
    await vitest(['--root', here], { env: { SEEDBED_TEST_IMAGES: images.join(' ') } })
  } finally {
    await engine.stop()
  }
}
