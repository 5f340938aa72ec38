// Encrypts or decrypts standard input with the npm library age-encryption.
//   node age.mjs encrypt RECIPIENT…      node age.mjs decrypt IDENTITY
import { webcrypto } from "node:crypto";

globalThis.crypto ??= webcrypto; // Debian 12's Node.js 18 does not show it by itself, and the library looks when it loads
const { Decrypter, Encrypter } = await import("age-encryption");

const [verb, ...keys] = process.argv.slice(2);
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const input = new Uint8Array(Buffer.concat(chunks));
const worker = verb === "encrypt" ? new Encrypter() : new Decrypter();
for (const key of keys) verb === "encrypt" ? worker.addRecipient(key) : worker.addIdentity(key);
process.stdout.write(await worker[verb](input));
