// tus-js-client against a server: upload, abort in the middle, resume with another client.
// Usage: node tus_client.mjs ENDPOINT FILE CHUNK_BYTES [MODE]; prints {"url", "aborted"} as JSON.
// A stream of unknown length cannot be read again from the middle: mode "defer" uploads without aborting,
// in one chunk, because tus-js-client 4.3.1 never notices that a stream ended after several.
import { readFile, stat } from 'node:fs/promises'
import { createReadStream } from 'node:fs'
import { Upload } from 'tus-js-client'

const [endpoint = '', path = '', chunk, mode = ''] = process.argv.slice(2)
const { size } = await stat(path)
const content = await readFile(path)
const deferred = mode === 'defer'
const source = deferred ? () => createReadStream(path) : () => content
const common = {
  endpoint,
  uploadSize: deferred ? null : size,
  uploadLengthDeferred: deferred,
  uploadDataDuringCreation: mode === 'during',
  overridePatchMethod: mode === 'override',
  chunkSize: Number(chunk),
  retryDelays: null,
  metadata: { filename: '证据.bin' },
}

/**
 * @param {Partial<import('tus-js-client').UploadOptions>} options
 * @param {number} stopAt bytes sent after which the upload is aborted
 * @returns {Promise<{url: string | null, aborted: boolean}>}
 */
function run(options, stopAt) {
  return new Promise((resolve, reject) => {
    const upload = new Upload(source(), {
      ...common,
      ...options,
      onError: reject,
      onSuccess: () => resolve({ url: upload.url, aborted: false }),
      onProgress: (sent) => {
        if (sent >= stopAt && sent < size) {
          stopAt = Infinity
          upload.abort().then(() => resolve({ url: upload.url, aborted: true }), reject)
        }
      },
    })
    upload.start()
  })
}

let result = await run({}, deferred ? Infinity : size / 2)
if (result.aborted) {
  const resumed = await run({ uploadUrl: result.url }, Infinity)
  result = { ...resumed, aborted: true }
}
console.log(JSON.stringify(result))
