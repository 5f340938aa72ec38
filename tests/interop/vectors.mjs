// Prints the public C2SP test vectors of the age format as JSON: name → base64 of the vector's file.
import * as vectors from "cctv-age";

const files = vectors.default ?? vectors;
const out = {};
for (const [name, data] of Object.entries(files)) out[name] = Buffer.from(data).toString("base64");
process.stdout.write(JSON.stringify(out));
