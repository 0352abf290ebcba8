import assert from "node:assert/strict";
import { test } from "node:test";

import { Client } from "node-sdk";

test("the server answers", async () => {
  const client = new Client(process.env.SERVER_URL ?? "http://localhost:8080");
  assert.equal(await client.healthy(), true);
});
