// The peer of the upload benchmarks: @tus/server with its file store, as its own documentation starts it.
// node bench/peer.mjs DIRECTORY

import { FileStore } from "@tus/file-store";
import { Server } from "@tus/server";

const server = new Server({ path: "/files", datastore: new FileStore({ directory: process.argv[2] }) });
const listening = server.listen({ host: "127.0.0.1", port: 0 }, () => {
  console.log(`listening http://127.0.0.1:${listening.address().port}/files`);
});
