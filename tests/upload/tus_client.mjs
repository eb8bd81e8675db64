// tus-js-client against a server: upload, abort in the middle, resume with another client.
// Usage: node tus_client.mjs ENDPOINT FILE CHUNK_BYTES [MODE]; prints {"url", "resumedAt", "aborted"} as JSON.
import { readFile, stat } from 'node:fs/promises'
import { createReadStream } from 'node:fs'
import { Upload } from 'tus-js-client'

const [endpoint, path, chunk, mode = ''] = process.argv.slice(2)
const { size } = await stat(path)
const content = await readFile(path)
const source = mode.includes('stream') ? () => createReadStream(path) : () => content
const common = {
  endpoint,
  uploadSize: mode.includes('defer') ? null : size,
  uploadLengthDeferred: mode.includes('defer'),
  uploadDataDuringCreation: mode.includes('during'),
  overridePatchMethod: mode.includes('override'),
  chunkSize: Number(chunk),
  retryDelays: null,
  metadata: { filename: '证据.bin' },
}

function run(options, stopAt) {
  return new Promise((resolve, reject) => {
    let resumedAt = null
    const upload = new Upload(source(), {
      ...common,
      ...options,
      onError: reject,
      onSuccess: () => resolve({ url: upload.url, resumedAt, aborted: false }),
      onProgress: (sent) => {
        resumedAt ??= sent
        if (sent >= stopAt && sent < size) {
          stopAt = Infinity
          upload.abort().then(() => resolve({ url: upload.url, resumedAt, aborted: true }), reject)
        }
      },
    })
    upload.start()
  })
}

let result = await run({}, size / 2)
if (result.aborted) {
  const resumed = await run({ uploadUrl: result.url }, Infinity)
  result = { ...resumed, aborted: true }
}
console.log(JSON.stringify(result))
