import { readFile, readdir } from "node:fs/promises";

for (const name of await readdir("schemas")) {
  JSON.parse(await readFile(`schemas/${name}`, "utf8"));
  console.log(`${name}: ok`);
}
